"""Whether a cluster's API server answers us, said in words."""

from __future__ import annotations

import http.client
import ssl
from urllib.parse import urlsplit

from installer.oracle.access import KubeAccess

_SECONDS = 10.0
_PATH = "/version"


def silence(access: KubeAccess) -> str:
    """Why the API server does not answer as it should; "" when it does.

    Asks for its version with a token of ours, so that network, certificate and identity are tried
    at once.
    """
    address = urlsplit(access.server)
    try:
        context = ssl.create_default_context(cadata=access.ca_pem.decode())
        connection = http.client.HTTPSConnection(
            address.hostname or "", address.port or 443, timeout=_SECONDS, context=context
        )
    except (ssl.SSLError, ValueError) as error:
        return f"its certificate authority cannot be read ({type(error).__name__})"
    try:
        connection.request("GET", _PATH, headers={"Authorization": f"Bearer {access.token()}"})
        return _judged(connection.getresponse().status)
    except ssl.SSLCertVerificationError as error:
        return f"its certificate is not from its authority ({error.verify_message})"
    except TimeoutError:
        return (
            f"{address.netloc} does not answer; if this lasts, port 6443 is closed for this "
            "machine (cluster.api_access_cidr) or by a firewall nearby"
        )
    except (OSError, http.client.HTTPException) as error:
        return f"{address.netloc}: {type(error).__name__}"
    finally:
        connection.close()


def _judged(status: int) -> str:
    if status == http.client.OK:
        return ""
    if status == http.client.UNAUTHORIZED:
        return "it does not accept our token yet (401)"
    return f"it answers {status}"
