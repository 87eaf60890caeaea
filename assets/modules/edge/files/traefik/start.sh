#!/bin/sh
set -eu

# Traefik refuses certificates and keys that others may read, and a volume that changes its owner
# group gets its files' modes widened.
if [ -e /data/acme.json ]; then
  chmod 600 /data/acme.json
fi

# Traefik asks for a certificate when it starts, and not again when that failed, as it does when the
# DNS record is made after the installation. So it is started again once the name is known, the
# first time after a quarter of an hour, then ever more rarely: five failures an hour are forgiven.
ask_again() {
  patience=$(cat /tmp/patience 2>/dev/null || echo "${CERTIFICATE_PATIENCE:-900}")
  while sleep "$patience"; do
    for name in $(cat /etc/traefik-routes/names); do
      if ! grep -qs "\"$name\"" /data/acme.json && getent hosts "$name" >/dev/null; then
        echo "{\"level\":\"warn\",\"message\":\"no certificate for $name yet: starting again\"}"
        echo "$((patience < 10800 ? patience * 2 : 21600))" >/tmp/patience
        kill -TERM "$$"
        return
      fi
    done
    rm -f /tmp/patience
  done
}
if [ -d /data ]; then
  ask_again &
fi

exec traefik --configFile=/etc/traefik/traefik.yaml
