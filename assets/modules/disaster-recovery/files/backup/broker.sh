#!/bin/sh
# Gives the message broker its exchanges, queues and bindings back. Messages were never in a backup,
# and users are those of this installation.
#
# SCRIPTS, WORK     as in remotes.sh
# BROKER_URL, BROKER_USER, BROKER_PASSWORD_FILE   its pages and its administrator
set -eu
umask 077
. "$SCRIPTS/signs.sh"
await_one definitions.json no-broker nothing
[ "$sign" = definitions.json ] || exit 0
answer="$(
  printf 'user = "%s:%s"\n' "$BROKER_USER" "$(cat "$BROKER_PASSWORD_FILE")" |
    curl --config - --silent --show-error --max-time 60 --output "$WORK/answer" \
      --write-out '%{http_code}' --header 'Content-Type: application/json' \
      --data-binary "@$WORK/definitions.json" "$BROKER_URL/api/definitions/%2F"
)"
case "$answer" in
  2??) echo "the message broker has its definitions" ;;
  *)
    echo "the message broker answered $answer to its definitions" >&2
    exit 1
    ;;
esac
