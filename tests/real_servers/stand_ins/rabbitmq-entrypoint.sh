#!/bin/sh
# The image's entrypoint, when not started by root, refuses some variables of the past and becomes
# its arguments.
set -eu
for refused in RABBITMQ_DEFAULT_PASS_FILE RABBITMQ_DEFAULT_USER_FILE RABBITMQ_VM_MEMORY_HIGH_WATERMARK; do
  if [ -n "$(printenv "$refused" || true)" ]; then
    echo "$refused is not supported" >&2
    exit 1
  fi
done
exec "$@"
