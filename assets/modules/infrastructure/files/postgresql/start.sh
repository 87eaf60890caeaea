#!/bin/sh
# Makes the database cluster on an empty volume, then becomes the server.
#
# A cluster is made beside its place and moved there whole: a pod stopped while making it leaves
# nothing that a later start takes for a finished one.
#
# PGDATA                where the cluster is; the folder above it must be on the volume
# CONFIG_DIR            holds postgresql.conf and pg_hba.conf
# ADMIN_PASSWORD_FILE   password of the administrator, used only when the cluster is made
# INITDB_ARGS           how texts are sorted and compared
set -eu
umask 077
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
fi
# A volume that comes back from a snapshot has group permissions everywhere; the server refuses them.
chmod 0700 "$PGDATA"
exec postgres -D "$PGDATA" -c config_file="$CONFIG_DIR/postgresql.conf" \
  -c hba_file="$CONFIG_DIR/pg_hba.conf" "$@"
