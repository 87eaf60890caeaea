#!/bin/sh
# Dumps both databases, one after the other, into pipes. Nothing readable touches a disk.
#
# SCRIPTS, WORK           as in remotes.sh
# HEALTH_HOST, HEALTH_PORT, HEALTH_PASSWORD_FILE   the health database's administrator
# AUTH_HOST, AUTH_PORT, AUTH_PASSWORD_FILE         the login database's
set -eu
umask 077
export PGUSER=postgres PGCONNECT_TIMEOUT=15 PGPASSFILE="$HOME/pgpass"
export NAME PGHOST PGPORT PGDATABASE
. "$SCRIPTS/signs.sh"

# Who is to seal a dump only starts, which takes no longer.
PATIENCE="${PATIENCE:-600}"
await_one ready

one() {
  NAME="$1" PGHOST="$2" PGPORT="$3" PGDATABASE="$4"
  printf '%s:%s:*:%s:%s\n' "$PGHOST" "$PGPORT" "$PGUSER" "$(cat "$5")" > "$PGPASSFILE"
  pg_isready -q || {
    echo "$PGHOST does not answer" >&2
    exit 1
  }
  : > "$WORK/$NAME.begun"
  psql --no-psqlrc --no-password --set counts="$WORK/$NAME.counts" \
    --set tables="$SCRIPTS/tables.sql" --file "$SCRIPTS/counts.sql"
  [ -e "$WORK/$NAME.done" ] || {
    echo "the dump of $PGDATABASE broke off" >&2
    exit 1
  }
  echo "$PGDATABASE is dumped: $(grep -c . "$WORK/$NAME.counts" || true) tables"
}

one health "$HEALTH_HOST" "$HEALTH_PORT" healthdb "$HEALTH_PASSWORD_FILE"
one auth "$AUTH_HOST" "$AUTH_PORT" webauthn "$AUTH_PASSWORD_FILE"
