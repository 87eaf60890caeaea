#!/bin/sh
# Makes sure of the bucket, its versioning and its expiry rules. Can be run any number of times.
#
# S3_ENDPOINT                            such as http://minio:9000
# BUCKET                                 the bucket's name
# ACCESS_KEY_FILE, SECRET_KEY_FILE       the administrator's key
# VERSIONING_FILE, LIFECYCLE_FILE        what to set
set -eu

# The key reaches curl through its standard input, never through its arguments.
request() {
  printf 'user = "%s:%s"\n' "$(cat "$ACCESS_KEY_FILE")" "$(cat "$SECRET_KEY_FILE")" |
    curl --config - --aws-sigv4 aws:amz:us-east-1:s3 --silent --show-error --max-time 30 \
      --output /dev/null --write-out '%{http_code}' "$@"
}

# An S3 signature covers the content; older curl versions do not work that out themselves.
put_file() {
  digest="$(sha256sum < "$2" | cut -d ' ' -f 1)"
  request --request PUT --header "x-amz-content-sha256: $digest" \
    --header 'Content-Type: application/xml' --data-binary "@$2" "$S3_ENDPOINT/$BUCKET?$1="
}

wanted() {
  what="$1"
  answer="$2"
  shift 2
  for good in "$@"; do
    if [ "$answer" = "$good" ]; then
      return
    fi
  done
  echo "$what: the object store answered $answer" >&2
  exit 1
}

tries=0
until curl --silent --fail --max-time 5 --output /dev/null "$S3_ENDPOINT/healthz"; do
  tries=$((tries + 1))
  if [ "$tries" -ge "${TRIES:-60}" ]; then
    echo "$S3_ENDPOINT does not answer" >&2
    exit 1
  fi
  sleep 2
done

# 409 says that the bucket is there and ours.
wanted "making the bucket" "$(request --request PUT "$S3_ENDPOINT/$BUCKET" || true)" 200 409
wanted "reading the bucket" "$(request --head "$S3_ENDPOINT/$BUCKET" || true)" 200
wanted "switching versioning on" "$(put_file versioning "$VERSIONING_FILE" || true)" 200
wanted "setting the expiry rules" "$(put_file lifecycle "$LIFECYCLE_FILE" || true)" 200
echo "bucket $BUCKET is as wanted"
