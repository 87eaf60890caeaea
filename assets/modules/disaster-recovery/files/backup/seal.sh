#!/bin/sh
# Seals what the other container dumps, and sends it with the files that are new. A set counts once
# its manifest is there, which is sent last.
#
# As in remotes.sh, and
# BROKER_URL                     the message broker's pages
# BROKER_USER, BROKER_PASSWORD_FILE   its administrator
# KEEP_DAYS                      days after which a set and a copy of a file are deleted
# DELETES                        yes when this job deletes them, no when the bucket does
# MOST_BYTES                     what everything together may take up
# MOST_FILES                     files that are sent in one night
set -eu
umask 077
. "$SCRIPTS/remotes.sh"
# Nothing far away is read, so nothing need be asked whether it is there.
export RCLONE_CONFIG_FAR_NO_HEAD_OBJECT=true
trap 'code=$?; [ "$code" -eq 0 ] || : > "$WORK/failed"' EXIT

now="$(date -u +%s)"
stamp() { date -u -d "@$1" +%Y-%m-%dT%H%M%SZ; }
day=86400
# A copy is made anew this long before the bucket deletes it, so that nights may fail in between.
margin=$((KEEP_DAYS / 6 > 2 ? KEEP_DAYS / 6 : 2))
set_name="$(stamp "$now")"
refresh="$(stamp $((now - (KEEP_DAYS > margin ? KEEP_DAYS - margin : 0) * day)))"
brink="$(stamp $((now - (KEEP_DAYS - 1) * day)))"
cutoff="$(stamp $((now - KEEP_DAYS * day)))"
parts="health.dump auth.dump definitions.json files.list.gz"

seal_dumps() {
  mkdir -p "$WORK/sealed"
  mkfifo "$WORK/health" "$WORK/auth"
  : > "$WORK/ready"
  for name in health auth; do
    await "$name.begun" "the dump of $name"
    rclone rcat "sealing:$name.dump" < "$WORK/$name"
    await "$name.done" "the end of the dump of $name"
  done
}

# Exchanges, queues and bindings of the one virtual host; without users, whose passwords are those of
# an installation and not of the data.
seal_definitions() {
  login="$(printf '%s:%s' "$BROKER_USER" "$(cat "$BROKER_PASSWORD_FILE")" | base64 | tr -d '\n')"
  RCLONE_HEADER="Authorization: Basic $login" \
    rclone copyurl "$BROKER_URL/api/definitions/%2F" sealing:definitions.json
  rclone cat sealing:definitions.json | grep -q '"queues"' ||
    fail "the message broker did not give its definitions"
}

bytes_in() { awk -F "$TAB" '{ all += $2 + 48 + 16 * int($2 / 65536) } END { printf "%.0f", all }' "$1"; }
less() { awk -v a="$1" -v b="$2" 'BEGIN { exit !(a + 0 < b + 0) }'; }

plan_files() {
  rclone lsf --recursive --files-only --format pst --separator "$TAB" "store:$STORE_BUCKET" \
    > "$WORK/files" || fail "the files of the object store cannot be listed"
  : > "$WORK/todo"
  : > "$WORK/list"
  dumps="$(du -k "$WORK/sealed"/*.bin | awk '{ all += $1 * 1024 } END { printf "%.0f", all }')"
  used="$(cat "$WORK/copies" "$WORK/sets" > "$WORK/all" && bytes_in "$WORK/all")"
  room="$(awk -v m="$MOST_BYTES" -v u="$used" -v d="$dumps" 'BEGIN { printf "%.0f", m - u - d }')"
  if less "$room" 0; then
    fail "no room: $used bytes are there, this night's dumps are $dumps, and $MOST_BYTES is the most;" \
      "keep backups for fewer days (backups.keep_days), or allow more" \
      "(modules.disaster-recovery.most_gb)"
  fi
  awk -v set="$set_name" -v refresh="$refresh" -v brink="$brink" -v room="$room" \
    -v most="$MOST_FILES" -v todo="$WORK/todo" -v list="$WORK/list" -f "$SCRIPTS/plan.awk" \
    copies=1 "$WORK/copies" copies=0 "$WORK/files" > "$WORK/sums"
  IFS="$TAB" read -r files sent sent_bytes waiting homeless late < "$WORK/sums"
}

send_files() {
  if [ -s "$WORK/todo" ]; then
    rclone copy --files-from-raw "$WORK/todo" --no-traverse --no-check-dest \
      "store:$STORE_BUCKET" "files:$set_name" || fail "not every file could be copied"
  fi
  gzip -c "$WORK/list" | rclone rcat sealing:files.list.gz
}

send_set() {
  for part in $parts; do
    rclone copyto "here:$WORK/sealed/$part.bin" "$place/sets/$set_name/$part.bin" ||
      fail "$part could not be sent"
  done
  {
    printf 'set %s\nfiles %s\nsent %s\nwaiting %s\nhomeless %s\n' \
      "$set_name" "$files" "$sent" "$waiting" "$homeless"
    for name in health auth; do
      sed "s/^/rows $name /" "$WORK/$name.counts"
    done
  } | rclone rcat sealing:manifest.txt
  rclone copyto "here:$WORK/sealed/manifest.txt.bin" "$place/sets/$set_name/manifest.txt.bin" ||
    fail "the manifest could not be sent"
}

# Never what tonight's list refers to.
delete_old() {
  awk -F "$TAB" -v cutoff="$cutoff" '$1 < cutoff { print $1 }' "$WORK/sets" > "$WORK/old-sets"
  awk -F "$TAB" -v cutoff="$cutoff" '
    first { wanted[$1 "/" $3] = 1; next }
    substr($1, 1, index($1, "/") - 1) < cutoff && !($1 in wanted) { print $1 }
  ' first=1 "$WORK/list" first=0 "$WORK/copies" > "$WORK/old-copies"
  for pair in "old-sets sealed:" "old-copies files:"; do
    if [ -s "$WORK/${pair% *}" ]; then
      rclone delete --files-from-raw "$WORK/${pair% *}" --no-traverse "${pair#* }"
    fi
  done
  echo "deleted $(cat "$WORK/old-sets" "$WORK/old-copies" | wc -l) objects older than $KEEP_DAYS days"
}

rm -rf "$WORK/sealed"
seal_dumps
seal_definitions
listing files: ps > "$WORK/copies" || fail "what is in the backup cannot be listed"
listing sealed: ps > "$WORK/sets" || fail "what is in the backup cannot be listed"
plan_files
send_files
send_set
[ "$DELETES" = no ] || delete_old

pages=$((($(wc -l < "$WORK/copies") + 999) / 1000 + ($(wc -l < "$WORK/sets") + 999) / 1000 + 2))
requests=$((sent + 5 + pages))
echo "set $set_name is sent: $files files, of which $sent were sent ($sent_bytes bytes)"
echo "about $requests requests this night; one for each new file, a listing every" \
  "1000 files, and every file again each $((KEEP_DAYS > margin ? KEEP_DAYS - margin : 1)) days"
[ "$waiting" -eq 0 ] || echo "$waiting files wait for another night: $MOST_FILES a night at most"
[ "$late" -eq 0 ] || fail "$late of them lose their last copy tomorrow: there are too many files for" \
  "so few a night; allow more (modules.disaster-recovery.most_files) or keep them for longer"
[ "$homeless" -eq 0 ] || fail "$homeless files found no room: $MOST_BYTES bytes are the most;" \
  "keep backups for fewer days, or allow more (modules.disaster-recovery.most_gb)"
