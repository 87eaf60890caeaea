# Which files go into tonight's set, and where every other one is. A file is sent when there is no
# copy, when it was changed since, or when its copy is about to grow too old.
#
# With copies=1: copies as SET/NAME and bytes. With copies=0: files as NAME, bytes and time.
# set, refresh    tonight's set, and the one before which a copy is too old
# brink           the one before which a copy is gone tomorrow
# room, most      bytes and files that may be sent
# todo, list      written: names to send; and for every file the set that has it, bytes and name
# Prints: files, sent, bytes sent, waiting for another night, without room, and how many of those that
# wait have only a copy that is gone tomorrow.
BEGIN { FS = "\t" }
copies {
  cut = index($1, "/")
  at = substr($1, 1, cut - 1)
  name = substr($1, cut + 1)
  if (!(name in copy) || at > copy[name]) { copy[name] = at; size[name] = $2 }
  next
}
{
  files++
  changed = $3
  gsub(/:/, "", changed)
  sub(/ /, "T", changed)
  kept[files] = $1; bytes[files] = $2
  if (!($1 in copy) || size[$1] != $2 || changed "Z" > copy[$1]) urgent[++first] = files
  else if (copy[$1] < refresh) due[++second] = files
}
function send(number,    name, whole) {
  name = kept[number]
  # What sealing adds: 32 bytes, and 16 for every 64 KiB (documentation of rclone's crypt).
  whole = bytes[number] + 48 + 16 * int(bytes[number] / 65536)
  if (sent >= most) {
    waiting++
    if (name in copy && copy[name] < brink) late++
    return
  }
  if (total + whole > room) { homeless++; return }
  sent++; total += whole
  copy[name] = set
  print name > todo
}
END {
  for (i = 1; i <= first; i++) send(urgent[i])
  for (i = 1; i <= second; i++) send(due[i])
  for (i = 1; i <= files; i++)
    if (kept[i] in copy) print copy[kept[i]] "\t" bytes[i] "\t" kept[i] > list
  printf "%d\t%d\t%.0f\t%d\t%d\t%d\n", files, sent, total, waiting, homeless, late
}
