#!/bin/sh
# Puts the Erlang cookie where only its owner can read it, then becomes the given command.
#
# HOME          a directory to write to
# COOKIE_FILE   the cookie; a mounted Secret is readable by the group, which Erlang refuses
set -eu
mkdir -p "$HOME"
rm -f "$HOME/.erlang.cookie"
(umask 077 && cat "$COOKIE_FILE" > "$HOME/.erlang.cookie")
chmod 0400 "$HOME/.erlang.cookie"
exec "$@"
