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
trap 'code=$?; rm -f "$PGPASSFILE"; [ "$code" -eq 0 ] || : > "$WORK/failed"' EXIT

waited=0
until [ -e "$WORK/ready" ]; do
  if [ -e "$WORK/failed" ] || [ "$waited" -ge "${PATIENCE:-600}" ]; then
    echo "nobody is there to seal a dump; the log of the other container says why" >&2
    exit 1
  fi
  waited=$((waited + 1))
  sleep "${EVERY:-1}"
done

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
