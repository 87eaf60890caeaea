#!/bin/sh
# Waits until the login database answers this role and has the tables the server reads when it starts.
# The server is told by PG... variables; TRIES questions are asked, two seconds apart.
set -eu
question="SELECT count(*) FROM jwt_signing_keys"
tries=0
until said=$(psql --no-psqlrc --no-password --quiet --tuples-only --no-align --command "$question" 2>&1); do
  tries=$((tries + 1))
  if [ "$tries" -ge "${TRIES:-150}" ]; then
    echo "the login database is not ready: $said" >&2
    exit 1
  fi
  if [ $((tries % 15)) = 1 ]; then
    echo "waiting for the login database: $said"
  fi
  sleep 2
done
echo "the login database has its tables"
