#!/bin/sh
# Makes the database cluster on an empty volume, or gives the administrator of one that is there the
# password of today; then becomes the server.
#
# A cluster is made beside its place and moved there whole: a pod stopped while making it leaves
# nothing that a later start takes for a finished one.
#
# PGDATA                where the cluster is; the folder above it must be on the volume
# CONFIG_DIR            holds postgresql.conf and pg_hba.conf
# ADMIN_PASSWORD_FILE   password of the administrator
# INITDB_ARGS           how texts are sorted and compared
set -eu
umask 077
made=""
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  mkdir -p "$(dirname "$PGDATA")"
  rm -rf "$PGDATA.unfinished"
  # shellcheck disable=SC2086 - several arguments in one variable
  initdb --pgdata="$PGDATA.unfinished" --username=postgres --pwfile="$ADMIN_PASSWORD_FILE" \
    --auth=scram-sha-256 --encoding=UTF8 --data-checksums $INITDB_ARGS
  if [ -d "$PGDATA" ]; then
    rmdir "$PGDATA"
  fi
  mv "$PGDATA.unfinished" "$PGDATA"
  made=yes
fi
# A volume that comes back from a snapshot has group permissions everywhere; the server refuses them.
chmod 0700 "$PGDATA"
if [ -z "$made" ]; then
  # Before anybody can connect. Over the network the old password would be needed, which the Secret
  # no longer has; nothing of the statement may reach the log.
  printf "ALTER ROLE postgres PASSWORD '%s'\n" "$(cat "$ADMIN_PASSWORD_FILE")" |
    postgres --single -D "$PGDATA" -c config_file="$CONFIG_DIR/postgresql.conf" \
      -c hba_file="$CONFIG_DIR/pg_hba.conf" -c log_statement=none \
      -c log_min_duration_statement=-1 -c log_min_error_statement=panic postgres > /dev/null ||
    echo "the administrator's password could not be set; it is the one it was" >&2
fi
exec postgres -D "$PGDATA" -c config_file="$CONFIG_DIR/postgresql.conf" \
  -c hba_file="$CONFIG_DIR/pg_hba.conf" "$@"
