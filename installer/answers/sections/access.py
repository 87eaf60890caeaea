"""The public name, and whom certificates are made out to."""

from __future__ import annotations

from typing import Annotated

from installer.answers.asking import Ask, Section
from installer.answers.forms import Text
from installer.answers.rules import internet_names


class Access(Section):
    """Under which name people reach the platform."""

    domain: Annotated[
        str,
        Text(
            internet_names.domain_name, internet_names.DOMAIN_PATTERN, example="health.example.org"
        ),
        Ask(
            "Domain",
            help="The name you own for this platform, like health.example.org; api., auth. and "
            "others are put in front of it. Empty when you have none yet. Choose with care: "
            "passkeys are bound to the name and are lost when it changes.",
        ),
    ] = ""
    wildcard_dns: Annotated[
        str,
        Text(
            internet_names.domain_name,
            internet_names.DOMAIN_PATTERN,
            empty=False,
            example="sslip.io",
        ),
        Ask(
            "Names without a domain",
            help="Without a domain of your own the name is made from the public address, such as "
            "1-2-3-4.sslip.io, on a service that answers such names with the address. Whoever "
            "runs the service could send your visitors elsewhere: better to own a domain.",
            advanced=True,
        ),
    ] = "sslip.io"
    email: Annotated[
        str,
        Text(internet_names.email_address, r"^[^@\s]+@[^@\s]+$", example="you@example.org"),
        Ask(
            "E-mail address",
            help="Given to the certificate authority as the contact for your certificates, and "
            "to nobody else. May be empty.",
        ),
    ] = ""
