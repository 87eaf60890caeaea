"""`health-install certificate`: the installation's own authority, for devices to trust."""

from __future__ import annotations

import argparse

from installer.commands.ending import say, tell
from installer.commands.public_names import front_address, public_hosts
from installer.commands.sources import case, in_our_words
from installer.commands.workshop import Workshop
from installer.engine.errors import AnswersError, ClusterError, ExitCode
from installer.modules.hosts import FRONT_DOOR_MODULE
from installer.plan import Plan, make_plan

_SECRET, _KEY = "own_certificate", "ca.pem"


def run(asked: argparse.Namespace) -> int:
    """Print the certificate alone on standard output, and how to trust it beside that."""
    meant = case(asked)
    gathered = meant.gathered()
    plan = in_our_words(lambda: make_plan(gathered.answers))
    namespace, name = _secret_of(plan)
    with Workshop(meant) as workshop:
        found = workshop.secret_value(plan, namespace, name, _KEY)
    if not found:
        raise ClusterError(
            "The authority of this installation is not there yet.",
            f"The cluster has no Secret {namespace}/{name} with a key {_KEY}.",
            "Install first: health-install. See what is there: health-install status",
        )
    say(found)
    hosts = [one.host for one in public_hosts(plan, front_address(meant.home))]
    for line in _how_to_trust(meant.name, hosts):
        tell(line)
    return ExitCode.OK


def _secret_of(plan: Plan) -> tuple[str, str]:
    for spec in plan.rendered.secrets:
        if spec.module == FRONT_DOOR_MODULE and spec.id == _SECRET:
            return spec.namespace, spec.name
    raise AnswersError(
        "This installation has no authority of its own.",
        "Its certificates come from elsewhere, as modules.edge.tls says.",
        "There is nothing to make devices trust; see health-install status for the certificates.",
    )


def _how_to_trust(name: str, hosts: list[str]) -> tuple[str, ...]:
    file = f"{name}-authority.crt"
    return (
        "",
        f"Whoever trusts this authority trusts it for every name. Write it to a file {file}:",
        f"  health-install certificate > {file}",
        "Debian, Ubuntu: copy it to /usr/local/share/ca-certificates, then update-ca-certificates.",
        "Fedora: copy it to /etc/pki/ca-trust/source/anchors, then update-ca-trust.",
        "macOS: open it, and in Keychain Access set it to Always Trust.",
        "Windows: open it, and install it under Trusted Root Certification Authorities.",
        "Firefox: Settings, Certificates, Authorities, Import.",
        "Android, iOS: open it on the device and install it as a CA certificate; iOS also wants it "
        "switched on under General, About, Certificate Trust Settings.",
        *([f"Try it: curl --cacert {file} https://{hosts[0]}/"] if hosts else []),
    )
