"""Ways in without a key of one's own: a machine at Oracle, and Oracle's Cloud Shell.

A machine (instance principal) proves what it is with a certificate from its metadata service. In
Cloud Shell a delegation token beside that says for which user it speaks. Both are renewed by the
SDK while they are in use; both need a policy of the tenancy (a machine also a dynamic group).
"""

from __future__ import annotations

import configparser
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from installer.engine.errors import AccountError
from installer.engine.masking import known_secrets
from installer.oracle.access import Access
from installer.oracle.sdk import part

INSTANCE, CLOUD_SHELL = "instance_principal", "cloud_shell"
# Where Cloud Shell keeps things, and what it sets for Oracle's command line.
CONFIG_FILE, DELEGATION_TOKEN = Path("/etc/oci/config"), Path("/etc/oci/delegation_token")
_CONFIG_VARIABLE = "OCI_CLI_CONFIG_FILE"
_AUTH_VARIABLE = "OCI_CLI_AUTH"
_AUTHS = {"instance_principal": INSTANCE, "instance_obo_user": CLOUD_SHELL}


def way_in(access: Access, environ: Mapping[str, str] | None = None) -> str:
    """INSTANCE or CLOUD_SHELL where that is asked for, or is all there is; else empty."""
    if access.auth in (INSTANCE, CLOUD_SHELL):
        return access.auth
    if access.auth != "auto" or access.config_file.expanduser().exists():
        return ""
    surroundings = os.environ if environ is None else environ
    return _AUTHS.get(surroundings.get(_AUTH_VARIABLE, ""), "")


def delegation_token_file() -> Path:
    """The file with the token that says for which user Cloud Shell speaks."""
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read(Path(os.environ.get(_CONFIG_VARIABLE) or CONFIG_FILE), encoding="utf-8")
    except (UnicodeDecodeError, configparser.Error):
        return DELEGATION_TOKEN
    profiles = [parser.defaults(), *(parser[name] for name in parser.sections())]
    named = (each.get("delegation_token_file", "") for each in profiles)
    return Path(next((each for each in named if each), str(DELEGATION_TOKEN))).expanduser()


def read_delegation_token(path: Path) -> str:
    """Raises AccountError when it cannot be read; the token is a secret."""
    try:
        token = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise AccountError(
            f"Cloud Shell's delegation token {path} cannot be read.",
            f"The system says: {error}.",
            "This way in only works in Oracle's Cloud Shell. Open a new one there, or sign in with "
            "a profile: set oracle.auth to auto.",
        ) from error
    known_secrets.add(token)
    return token


def principal_signer(way: str, endpoint: str | None = None) -> Any:
    """What signs for this machine; asks its metadata service and Oracle who it is.

    `endpoint` stands in for Oracle in a rehearsal. Raises AccountError where nobody vouches for
    the machine.
    """
    options: dict[str, Any] = {
        # Its own would ask for minutes on a machine that is not at Oracle.
        "retry_strategy": part("retry").NoneRetryStrategy(),
        "federation_endpoint": f"{endpoint}/v1/x509" if endpoint else None,
    }
    signers = part("auth.signers")
    if way == CLOUD_SHELL:
        options["delegation_token"] = read_delegation_token(delegation_token_file())
        return _built(signers.InstancePrincipalsDelegationTokenSigner, options)
    return _built(signers.InstancePrincipalsSecurityTokenSigner, options)


def _built(kind: Any, options: Mapping[str, Any]) -> Any:
    exceptions = part("exceptions")
    try:
        return kind(**options)
    except (exceptions.RequestException, exceptions.ServiceError, OSError, RuntimeError) as error:
        raise AccountError(
            "Nobody vouches for this machine at Oracle.",
            f"Its metadata service does not answer as it does at Oracle: {type(error).__name__}.",
            "Instance principals work on Oracle's machines only, with a dynamic group and a policy "
            "for it, and Cloud Shell's way in only there. Elsewhere sign in with a profile: set "
            "oracle.auth to auto.",
        ) from error
