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
    email: Annotated[
        str,
        Text(internet_names.email_address, r"^[^@\s]+@[^@\s]+$", example="you@example.org"),
        Ask(
            "E-mail address",
            help="Given to the certificate authority as the contact for your certificates, and "
            "to nobody else. May be empty.",
        ),
    ] = ""
