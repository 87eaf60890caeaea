# Read by the scripts beside rclone's: how containers of one pod wait for each other.

trap 'code=$?; rm -f "${PGPASSFILE:-}"; [ "$code" -eq 0 ] || : > "$WORK/failed"' EXIT

# Waits for one of several signs, and says in $sign which came.
await_one() {
  waited=0
  while :; do
    for sign in "$@"; do
      [ ! -e "$WORK/$sign" ] || return 0
    done
    if [ -e "$WORK/failed" ] || [ "$waited" -ge "${PATIENCE:-3000}" ]; then
      echo "another part of this job failed or takes too long; its log says why" >&2
      exit 1
    fi
    waited=$((waited + 1))
    sleep "${EVERY:-1}"
  done
}

# Whether a database holds what was counted when it was dumped. $1 is which, $2 the database.
compare_rows() {
  psql --no-psqlrc --no-password --quiet --no-align --tuples-only --field-separator="$(printf '\t')" \
    --set ON_ERROR_STOP=1 --dbname "$2" --file "$SCRIPTS/tables.sql" > "$WORK/$1.found"
  if ! cmp -s "$WORK/$1.found" "$WORK/$1.expected"; then
    echo "$2 is not what was dumped; expected and found, as table, rows and a sum of columns:" >&2
    cat "$WORK/$1.expected" >&2
    echo "found:" >&2
    cat "$WORK/$1.found" >&2
    exit 1
  fi
  awk -F '\t' -v what="$2" '{ rows += $2 } END {
    printf "%s: %d tables with %d rows, as they were dumped\n", what, NR, rows }' "$WORK/$1.found"
}
