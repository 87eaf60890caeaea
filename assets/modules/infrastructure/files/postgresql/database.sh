#!/bin/sh
# Makes sure of one server's roles, database and schema. Can be run any number of times.
#
# PGHOST, PGPORT           the server
# PGUSER                   its administrator; ADMIN_PASSWORD_FILE holds the password
# APP_ROLE, APP_DATABASE   what to make; APP_PASSWORD_FILE holds the password
# APP_OWNS_DATABASE        yes when the application makes its own tables
# EXPORTER_ROLE            role that only reads statistics; EXPORTER_PASSWORD_FILE
# SCHEMA                   a file of SQL_DIR with tables to make, or empty
# SQL_DIR                  where the .sql files are
# WORK_DIR                 a directory to write to
set -eu
umask 077

# A password file keeps the password out of the process list and the environment.
PGPASSFILE="$WORK_DIR/pgpass"
export PGPASSFILE ADMIN_PASSWORD_FILE APP_PASSWORD_FILE EXPORTER_PASSWORD_FILE
printf '*:*:*:%s:%s\n' "$PGUSER" "$(cat "$ADMIN_PASSWORD_FILE")" > "$PGPASSFILE"
trap 'rm -f "$PGPASSFILE"' EXIT

tries=0
until pg_isready -q -h "$PGHOST" -p "$PGPORT" -U "$PGUSER" -d postgres; do
  tries=$((tries + 1))
  if [ "$tries" -ge "${TRIES:-60}" ]; then
    echo "$PGHOST:$PGPORT does not answer" >&2
    exit 1
  fi
  sleep 2
done

run() {
  psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --set VERBOSITY=terse \
    --set app_role="$APP_ROLE" --set app_database="$APP_DATABASE" \
    --set app_owns="$APP_OWNS_DATABASE" --set exporter_role="$EXPORTER_ROLE" \
    --dbname "$1" --file "$SQL_DIR/$2"
}

run postgres roles.sql
run "$APP_DATABASE" privileges.sql
if [ -n "$SCHEMA" ]; then
  run "$APP_DATABASE" "$SCHEMA"
fi
echo "role $APP_ROLE and database $APP_DATABASE are as wanted"
