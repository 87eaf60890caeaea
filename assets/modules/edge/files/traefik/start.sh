#!/bin/sh
# Traefik refuses certificates and keys that others may read, and a volume that changes its owner
# group gets its files' modes widened.
set -eu
if [ -e /data/acme.json ]; then
  chmod 600 /data/acme.json
fi
exec traefik --configFile=/etc/traefik/traefik.yaml
