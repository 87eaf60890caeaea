#!/bin/sh
# Lists what is in the backup, or fetches a set: for a drill, which takes it apart beside everything,
# or to bring it back. The other containers of the pod take what comes out of the pipes.
#
# As in remotes.sh, and
# MODE      list, drill or restore
# AT        a set, as a listing names it; empty for the newest whole one
# PARTS     what to fetch: databases, files, broker
# SAMPLE    files whose content a drill compares with the platform's own
set -eu
umask 077
. "$SCRIPTS/remotes.sh"
trap 'code=$?; [ "$code" -eq 0 ] || : > "$WORK/failed"' EXIT

wants() { case " $PARTS " in *" $1 "*) return 0 ;; esac; return 1; }

list_sets() {
  awk -F "$TAB" '
    { at = substr($1, 1, index($1, "/") - 1); bytes[at] += $2 }
    $1 == at "/manifest.txt" { whole[at] = 1 }
    END { for (at in bytes) printf "%s\t%s\t%.0f bytes\n", at, ((at in whole) ? "whole" : "unfinished"), bytes[at] }
  ' "$WORK/sets" | sort -r
}

choose() {
  list_sets | awk -F "$TAB" '$2 == "whole" { print $1 }' > "$WORK/whole"
  [ -s "$WORK/whole" ] || fail "there is no whole set in the backup"
  if [ -z "$AT" ]; then
    AT="$(head -n 1 "$WORK/whole")"
  fi
  grep -q -x -F -e "$AT" "$WORK/whole" || fail "there is no whole set $AT in the backup"
  rclone cat "sealed:$AT/manifest.txt" > "$WORK/manifest" || : > "$WORK/manifest"
  grep -q -x -F -e "set $AT" "$WORK/manifest" ||
    fail "set $AT does not open; is the passphrase that of the time it was made?"
  for name in health auth; do
    sed -n "s/^rows $name //p" "$WORK/manifest" > "$WORK/$name.expected"
  done
  rclone cat "sealed:$AT/files.list.gz" | gunzip -c > "$WORK/list" ||
    fail "the list of files of set $AT does not open"
  echo "set $AT, with $(wc -l < "$WORK/list") files"
}

# A dump goes from the backup into the database without lying about in between.
pour_dumps() {
  mkfifo "$WORK/health" "$WORK/auth"
  : > "$WORK/ready"
  for name in health auth; do
    await "$name.wanted" "a database to take $name"
    rclone cat "sealed:$AT/$name.dump" > "$WORK/$name" || fail "$name.dump does not open"
    await "$name.done" "the database that takes $name"
  done
}

# Where each file is to come from: the copy the set names, or else the newest there is. A line each:
# the set that has it, a tab, its name.
find_copies() {
  listing files: ps > "$WORK/copies" || fail "what is in the backup cannot be listed"
  : > "$WORK/missing"
  awk -F "$TAB" -v missing="$WORK/missing" '
    first {
      there[$1] = 1
      cut = index($1, "/"); at = substr($1, 1, cut - 1); name = substr($1, cut + 1)
      if (at > newest[name]) newest[name] = at
      next
    }
    ($1 "/" $3) in there { print $1 "\t" $3; next }
    $3 in newest { print newest[$3] "\t" $3; next }
    { print $3 > missing }
  ' first=1 "$WORK/copies" first=0 "$WORK/list" > "$WORK/from"
}

bring_files() {
  find_copies
  cut -f 1 "$WORK/from" | sort -u > "$WORK/origins"
  while read -r origin; do
    awk -F "$TAB" -v at="$origin" '$1 == at { print $2 }' "$WORK/from" > "$WORK/names"
    # What is there in the same size stays; what is written over is kept by the store's versions.
    rclone copy --files-from-raw "$WORK/names" --no-traverse --size-only \
      "files:$origin" "store:$STORE_BUCKET" < /dev/null || fail "not every file could be brought back"
  done < "$WORK/origins"
  echo "$(wc -l < "$WORK/from") files are as in the set, $(wc -l < "$WORK/missing") are in no copy"
}

sum_of() { rclone cat "$1" 2> "$WORK/sum-trouble" | sha256sum | cut -d ' ' -f 1; }

compare_sample() {
  find_copies
  same=0 other=0 gone=0
  shuf -n "$SAMPLE" "$WORK/from" > "$WORK/sample"
  while IFS="$TAB" read -r origin name; do
    copied="$(sum_of "files:$origin/$name" < /dev/null)"
    if [ -s "$WORK/sum-trouble" ]; then
      echo "a copy in set $origin does not open" >&2
      other=$((other + 1))
      continue
    fi
    live="$(sum_of "store:$STORE_BUCKET/$name" < /dev/null)"
    if [ -s "$WORK/sum-trouble" ]; then
      gone=$((gone + 1))
    elif [ "$copied" = "$live" ]; then
      same=$((same + 1))
    else
      echo "a copy in set $origin differs from the platform's file" >&2
      other=$((other + 1))
    fi
  done < "$WORK/sample"
  echo "of $((same + other + gone)) files drawn by lot $same are the same, $other are not," \
    "$gone are no longer on the platform; $(wc -l < "$WORK/missing") files are in no copy"
  [ "$other" -eq 0 ] || fail "copies of files are damaged"
}

listing sealed: ps > "$WORK/sets" || fail "what is in the backup cannot be listed"
if [ "$MODE" = list ]; then
  list_sets
  : > "$WORK/nothing"
  exit 0
fi
choose
wants databases || : > "$WORK/no-databases"
wants broker || : > "$WORK/no-broker"
! wants databases || pour_dumps
if wants files; then
  if [ "$MODE" = drill ]; then compare_sample; else bring_files; fi
fi
if wants broker; then
  rclone cat "sealed:$AT/definitions.json" > "$WORK/definitions" || fail "definitions.json does not open"
  grep -q '"queues"' "$WORK/definitions" || fail "definitions.json is not the message broker's"
  mv "$WORK/definitions" "$WORK/definitions.json"
fi
: > "$WORK/fetched"
