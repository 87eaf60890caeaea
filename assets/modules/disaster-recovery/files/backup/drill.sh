#!/bin/sh
# Takes the dumps into a server of its own, which ends with the pod, and counts what is in it.
#
# SCRIPTS, WORK     as in remotes.sh
# SCRATCH           an empty folder for the server
# ROLES             roles that own or use what is in the dumps
set -eu
umask 077
. "$SCRIPTS/signs.sh"
export PGHOST="$SCRATCH/socket" PGUSER=postgres PGPORT=5432
mkdir -p "$PGHOST"
initdb --pgdata="$SCRATCH/data" --username=postgres --auth=trust --encoding=UTF8 --no-sync > /dev/null
pg_ctl --pgdata="$SCRATCH/data" --silent --wait --log="$SCRATCH/log" start \
  --options="-c listen_addresses= -c unix_socket_directories=$PGHOST -c fsync=off -c shared_buffers=32MB -c max_wal_size=256MB"
for role in $ROLES; do
  psql --no-psqlrc --quiet --dbname postgres --command "CREATE ROLE $role"
done
await_one ready no-databases
for pair in health:healthdb auth:webauthn; do
  name="${pair%:*}" database="${pair#*:}"
  [ "$sign" = ready ] || break
  psql --no-psqlrc --quiet --dbname postgres --command "CREATE DATABASE $database"
  : > "$WORK/$name.wanted"
  pg_restore --exit-on-error --no-password --dbname="$database" < "$WORK/$name"
  compare_rows "$name" "$database"
  : > "$WORK/$name.done"
done
pg_ctl --pgdata="$SCRATCH/data" --silent --wait --mode=immediate stop
await_one fetched
