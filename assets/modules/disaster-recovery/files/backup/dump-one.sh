#!/bin/sh
# One dump, of the moment the caller counted at, into the pipe somebody seals it from. That it ended
# well is said beside it: whoever reads a pipe cannot tell an end from a break.
set -eu
pg_dump --format=custom --compress=6 --no-password --lock-wait-timeout=60s \
  --snapshot="$SNAPSHOT" --dbname="$PGDATABASE" > "$WORK/$NAME"
: > "$WORK/$NAME.done"
