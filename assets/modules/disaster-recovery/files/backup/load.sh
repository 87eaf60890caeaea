#!/bin/sh
# Brings the databases back. Each is loaded beside the one in use, counted, and only then put in its
# place; what was there stays, closed, as NAME_before until the next time.
#
# SCRIPTS, WORK     as in remotes.sh
# SQL_DIR           holds privileges.sql of the data layer
# EXPORTER_ROLE     the role that only reads statistics
# HEALTH_HOST, HEALTH_PORT, HEALTH_PASSWORD_FILE   the health database's administrator
# AUTH_HOST, AUTH_PORT, AUTH_PASSWORD_FILE         the login database's
set -eu
umask 077
. "$SCRIPTS/signs.sh"
export PGUSER=postgres PGCONNECT_TIMEOUT=15 PGPASSFILE="$HOME/pgpass" PGHOST PGPORT

ask() {
  PGOPTIONS="-c client_min_messages=warning" psql --no-psqlrc --no-password --quiet --no-align --tuples-only --set ON_ERROR_STOP=1 "$@"
}

server() {
  PGHOST="$1" PGPORT="$2"
  printf '%s:%s:*:%s:%s\n' "$PGHOST" "$PGPORT" "$PGUSER" "$(cat "$3")" > "$PGPASSFILE"
}

# $1 which, $2 database, $3 the role of its application
load() {
  ask --dbname postgres --command "DROP DATABASE IF EXISTS $2_coming WITH (FORCE)"
  ask --dbname postgres --command "CREATE DATABASE $2_coming"
  owner="$(ask --dbname postgres --command \
    "SELECT quote_ident(pg_get_userbyid(datdba)) FROM pg_database WHERE datname = '$2'")"
  ask --dbname postgres --command "ALTER DATABASE $2_coming OWNER TO $owner"
  ask --dbname "$2_coming" --set app_role="$3" --set app_database="$2_coming" \
    --set exporter_role="$EXPORTER_ROLE" --file "$SQL_DIR/privileges.sql"
  : > "$WORK/$1.wanted"
  # Roles own what they owned: a table of the administrator's would take no row of the application's.
  pg_restore --exit-on-error --no-password --dbname="$2_coming" < "$WORK/$1"
  compare_rows "$1" "$2_coming"
  ask --dbname "$2_coming" --command "ANALYZE"
}

swap() {
  ask --dbname postgres --command "DROP DATABASE IF EXISTS $1_before WITH (FORCE)"
  ask --dbname postgres --command "ALTER DATABASE $1 ALLOW_CONNECTIONS false"
  tries=0
  until ask --dbname postgres --command \
    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = '$1'" \
    --command "ALTER DATABASE $1 RENAME TO $1_before" > /dev/null; do
    tries=$((tries + 1))
    if [ "$tries" -ge 10 ]; then
      ask --dbname postgres --command "ALTER DATABASE $1 ALLOW_CONNECTIONS true"
      echo "$1 is still in use, and was left as it was" >&2
      exit 1
    fi
    sleep 1
  done
  ask --dbname postgres --command "ALTER DATABASE $1_coming RENAME TO $1"
  echo "$1 is back; what was there before is $1_before, closed to everybody"
}

await_one ready no-databases nothing
if [ "$sign" = ready ]; then
  server "$HEALTH_HOST" "$HEALTH_PORT" "$HEALTH_PASSWORD_FILE"
  load health healthdb healthapi
  server "$AUTH_HOST" "$AUTH_PORT" "$AUTH_PASSWORD_FILE"
  : > "$WORK/health.done"
  load auth webauthn webauthn
  swap webauthn
  server "$HEALTH_HOST" "$HEALTH_PORT" "$HEALTH_PASSWORD_FILE"
  swap healthdb
  : > "$WORK/auth.done"
fi
await_one fetched nothing
