"""Whether the platform is reached from outside by its public names, with a good certificate."""

from __future__ import annotations

import ipaddress
import socket
import ssl
from collections.abc import Iterator

from installer.smoke.talking import ask
from installer.smoke.trying import Check, Ended, Finding, Near, World

_HTTPS, _HTTP = 443, 80
_SECONDS = 180.0


def public_names(world: World) -> tuple[str, ...]:
    """The public names of what is installed."""
    labels = []
    if world.has("health-services") and world.option("health-services", "api", True):
        labels.append("api")
    if world.has("authentication"):
        labels.append("auth")
    if world.option("observability", "publish_grafana", False):
        labels.append("grafana")
    return tuple(f"{label}.{world.domain}" for label in labels)


def the_door_opens(world: World) -> Iterator[Finding]:
    """Each public name: does it lead here, and does it show a good certificate?"""
    if not world.address:
        yield Finding(
            "The platform is reached from outside",
            Ended.NOT_TRIED,
            "there is no public address; it is reached through a port-forward",
        )
        return
    for name in public_names(world):
        yield _leads_here(world, name)
        yield _shows_a_certificate(world, name)
    yield _redirects(world)


def _leads_here(world: World, name: str) -> Finding:
    title = f"{name} leads to {world.address}"
    try:
        found = {str(entry[4][0]) for entry in socket.getaddrinfo(name, _HTTPS)}
    except socket.gaierror:
        words = f"The name is unknown. Make a DNS record: {name} A {world.address}"
        return Finding(title, Ended.BAD, words)
    if _wanted(world.address) & found:
        return Finding(title, Ended.GOOD, "as its DNS record says")
    others = ", ".join(sorted(found))
    return Finding(title, Ended.BAD, f"It leads to {others}. Change its DNS record.")


def _wanted(address: str) -> set[str]:
    try:
        return {str(ipaddress.ip_address(address))}
    except ValueError:  # a balancer with a name of its own
        return {str(entry[4][0]) for entry in socket.getaddrinfo(address, _HTTPS)}


def _shows_a_certificate(world: World, name: str) -> Finding:
    title = f"{name} shows a good certificate"
    near, trusted = Near(world.address, _HTTPS), _trust(world)

    def complaint() -> str:
        try:
            ask(near, "HEAD", "/", headers={"Host": name}, tls=trusted, server_name=name)
        except ssl.SSLCertVerificationError as error:
            return f"The certificate is not accepted: {error.verify_message}."
        except OSError as error:
            return f"No connection: {error}."
        return ""

    missing = world.eventually(complaint, _SECONDS, every=10.0)
    if missing and world.option("edge", "acme_server") == "staging":
        words = "it comes from Let's Encrypt's staging, which no browser trusts, as chosen"
        return Finding(title, Ended.GOOD if "not accepted" in missing else Ended.BAD, words)
    return Finding(title, Ended.BAD if missing else Ended.GOOD, missing or "it is trusted")


def _trust(world: World) -> ssl.SSLContext:
    if world.option("edge", "tls") != "own":
        return ssl.create_default_context()
    return ssl.create_default_context(
        cadata=world.secret("health-system", "front-door-own", "ca.pem")
    )


def _redirects(world: World) -> Finding:
    title = "http leads to https"
    names = public_names(world)
    host = names[0] if names else world.domain
    answer = ask(Near(world.address, _HTTP), "GET", "/", headers={"Host": host})
    target = answer.headers.get("location", "")
    if answer.status in (301, 302, 307, 308) and target.startswith("https://"):
        return Finding(title, Ended.GOOD, f"the answer is {answer.status}")
    return Finding(title, Ended.BAD, f"the answer is {answer.status} and leads nowhere safe.")


DOOR = Check("The platform is reached from outside", ("edge",), the_door_opens)
