#!/bin/sh
# Carries out the expiry rules: the store keeps them but acts only when told to.
#
# CONFIG_DIR, S3_GRPC_PORT, INTERNAL_PORT   as in serve.sh
# EVERY                                     seconds between two passes, or 0 for one pass only
# FIRST                                     seconds to wait before the first of many
set -eu
first="${INTERNAL_PORT:-9330}"
pass() {
  printf '%s\nexit\n' \
    "s3.lifecycle.run-shard -shards 0-15 -s3 127.0.0.1:$S3_GRPC_PORT -events 0 -runtime 1h" |
    weed -logtostderr=true -config_dir="$CONFIG_DIR" shell -master="127.0.0.1:$first.$((first + 1))"
}
if [ "$EVERY" -eq 0 ]; then
  pass
  exit
fi
# Asleep most of the time, so a stop must not wait for the sleep to end.
trap 'exit 0' TERM INT
delay="$FIRST"
while :; do
  sleep "$delay" &
  wait $!
  delay="$EVERY"
  pass || echo "this pass failed; the next one follows" >&2
done
