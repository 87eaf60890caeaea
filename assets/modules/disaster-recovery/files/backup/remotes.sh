# Read by the other scripts: where rclone reads and writes, all of it told through variables, since a
# variable is shown to nobody and an argument is.
#
# SCRIPTS            the folder of these scripts
# WORK               a folder all containers of the pod share
# TARGET             s3, or volume for a folder of the cluster
# TARGET_ENDPOINT, TARGET_REGION, TARGET_BUCKET      where the bucket is
# TARGET_ACCESS_KEY_FILE, TARGET_SECRET_KEY_FILE     its key
# TARGET_FOLDER      the folder, for volume
# PASSPHRASE_FILE    what everything is sealed with before it leaves
# STORE_ENDPOINT, STORE_BUCKET                       the platform's own object store
# STORE_ACCESS_KEY_FILE, STORE_SECRET_KEY_FILE       its key, where files are read or brought back

export TZ=UTC
# Nothing is kept in files, and nothing is asked.
export RCLONE_CONFIG="" RCLONE_ASK_PASSWORD=false RCLONE_LOG_LEVEL=ERROR RCLONE_STATS=0
export RCLONE_RETRIES=2 RCLONE_LOW_LEVEL_RETRIES=5 RCLONE_CONTIMEOUT=30s RCLONE_TIMEOUT=5m
export RCLONE_TRANSFERS=2 RCLONE_CHECKERS=4 RCLONE_BUFFER_SIZE=2M RCLONE_FAST_LIST=true
# The time of a file is that of its last change as a listing has it; asking each file for its own
# would be one request each.
export RCLONE_USE_SERVER_MODTIME=true

# One request for a file of up to 5 GiB, without asking beforehand for the bucket or afterwards for
# the file. A checksum is sent where S3 wants one and not behind the content, which Oracle refuses.
if [ "$TARGET" = s3 ]; then
  export RCLONE_CONFIG_FAR_TYPE=s3 RCLONE_CONFIG_FAR_PROVIDER=Other
  export RCLONE_CONFIG_FAR_FORCE_PATH_STYLE=true
  export RCLONE_CONFIG_FAR_ENDPOINT="$TARGET_ENDPOINT" RCLONE_CONFIG_FAR_REGION="$TARGET_REGION"
  RCLONE_CONFIG_FAR_ACCESS_KEY_ID="$(cat "$TARGET_ACCESS_KEY_FILE")"
  RCLONE_CONFIG_FAR_SECRET_ACCESS_KEY="$(cat "$TARGET_SECRET_KEY_FILE")"
  place="far:$TARGET_BUCKET"
  export RCLONE_CONFIG_FAR_ACCESS_KEY_ID RCLONE_CONFIG_FAR_SECRET_ACCESS_KEY
  export RCLONE_CONFIG_FAR_NO_CHECK_BUCKET=true RCLONE_CONFIG_FAR_NO_HEAD=true
  export RCLONE_CONFIG_FAR_UPLOAD_CUTOFF=5G
  export RCLONE_CONFIG_FAR_USE_DATA_INTEGRITY_PROTECTIONS=false
  export RCLONE_CONFIG_FAR_USE_UNSIGNED_PAYLOAD=true
  export AWS_REQUEST_CHECKSUM_CALCULATION=when_required
  export AWS_RESPONSE_CHECKSUM_VALIDATION=when_required
else
  export RCLONE_CONFIG_FAR_TYPE=local
  place="far:$TARGET_FOLDER"
fi

# Files keep no name outside that tells whose they are; sets do, so that they can be listed by eye.
RCLONE_CONFIG_SEALED_PASSWORD="$(rclone obscure - < "$PASSPHRASE_FILE")"
RCLONE_CONFIG_FILES_PASSWORD="$RCLONE_CONFIG_SEALED_PASSWORD"
RCLONE_CONFIG_SEALING_PASSWORD="$RCLONE_CONFIG_SEALED_PASSWORD"
export RCLONE_CONFIG_SEALED_PASSWORD RCLONE_CONFIG_FILES_PASSWORD RCLONE_CONFIG_SEALING_PASSWORD
export RCLONE_CONFIG_SEALED_TYPE=crypt RCLONE_CONFIG_SEALED_REMOTE="$place/sets"
export RCLONE_CONFIG_SEALED_FILENAME_ENCRYPTION=off
export RCLONE_CONFIG_SEALED_DIRECTORY_NAME_ENCRYPTION=false
export RCLONE_CONFIG_FILES_TYPE=crypt RCLONE_CONFIG_FILES_REMOTE="$place/files"
# What is sealed here first, to be sent when its size is known.
export RCLONE_CONFIG_HERE_TYPE=local
export RCLONE_CONFIG_SEALING_TYPE=crypt RCLONE_CONFIG_SEALING_REMOTE="here:$WORK/sealed"
export RCLONE_CONFIG_SEALING_FILENAME_ENCRYPTION=off
export RCLONE_CONFIG_SEALING_DIRECTORY_NAME_ENCRYPTION=false

if [ -n "${STORE_ENDPOINT:-}" ]; then
  export RCLONE_CONFIG_STORE_TYPE=s3 RCLONE_CONFIG_STORE_PROVIDER=SeaweedFS
  export RCLONE_CONFIG_STORE_ENDPOINT="$STORE_ENDPOINT" RCLONE_CONFIG_STORE_REGION=us-east-1
  RCLONE_CONFIG_STORE_ACCESS_KEY_ID="$(cat "$STORE_ACCESS_KEY_FILE")"
  RCLONE_CONFIG_STORE_SECRET_ACCESS_KEY="$(cat "$STORE_SECRET_KEY_FILE")"
  export RCLONE_CONFIG_STORE_ACCESS_KEY_ID RCLONE_CONFIG_STORE_SECRET_ACCESS_KEY
  export RCLONE_CONFIG_STORE_NO_CHECK_BUCKET=true
fi

TAB="$(printf '\t')"

# Says why, tells the other containers of the pod, and ends.
fail() {
  echo "$*" >&2
  : > "$WORK/failed"
  exit 1
}

# Waits for a sign of another container. $1 is the sign, $2 what is waited for in words.
await() {
  waited=0
  until [ -e "$WORK/$1" ]; do
    [ ! -e "$WORK/failed" ] || fail "another part of this job failed; its log says why"
    [ "$waited" -lt "${PATIENCE:-3000}" ] || fail "waited in vain for $2"
    waited=$((waited + 1))
    sleep "${EVERY:-1}"
  done
}

# A listing, with nothing in it where nothing was ever written. $1 is where, $2 what of each file.
# A folder that is not there ends with 3, says rclone's documentation.
listing() {
  code=0
  rclone lsf --recursive --files-only --format "$2" --separator "$TAB" "$1" 2> "$WORK/listing" ||
    code=$?
  [ "$code" -eq 0 ] || [ "$code" -eq 3 ] || {
    cat "$WORK/listing" >&2
    return "$code"
  }
}
