"""One question to an S3 store: how large is this object? Signed as AWS Signature Version 4 says.

https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import quote

from installer.smoke.talking import ask
from installer.smoke.trying import Near, NotAsExpected

_REGION = "us-east-1"
_NOTHING = hashlib.sha256(b"").hexdigest()


@dataclass(frozen=True)
class Key:
    """A key of the store; `secret` must never be shown."""

    access: str
    secret: str = field(repr=False)


def object_size(near: Near, key: Key, bucket: str, name: str) -> int:
    """Bytes of one object. Raises NotAsExpected when it is not there or the key may not read it."""
    path = f"/{bucket}/{quote(name, safe='/-_.~')}"
    host = f"{near.host}:{near.port}"
    answer = ask(near, "HEAD", path, headers=signed("HEAD", host, path, key, datetime.now(UTC)))
    answer.expect(f"{bucket}/{name}", 200)
    try:
        return int(answer.headers["content-length"])
    except (KeyError, ValueError):
        raise NotAsExpected("The object store does not say how large the object is.") from None


def signed(method: str, host: str, path: str, key: Key, at: datetime) -> dict[str, str]:
    """The headers that prove a request without a body and without a query."""
    stamp, day = f"{at:%Y%m%dT%H%M%SZ}", f"{at:%Y%m%d}"
    headers = {"host": host, "x-amz-content-sha256": _NOTHING, "x-amz-date": stamp}
    names = ";".join(sorted(headers))
    lines = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers))
    request = f"{method}\n{path}\n\n{lines}\n{names}\n{_NOTHING}"
    scope = f"{day}/{_REGION}/s3/aws4_request"
    digest = hashlib.sha256(request.encode()).hexdigest()
    text = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{digest}"
    signature = hmac.new(_signing_key(key.secret, day), text.encode(), hashlib.sha256).hexdigest()
    credential = f"{key.access}/{scope}"
    proof = f"Credential={credential}, SignedHeaders={names}, Signature={signature}"
    return {**headers, "Authorization": f"AWS4-HMAC-SHA256 {proof}"}


def _signing_key(secret: str, day: str) -> bytes:
    made = f"AWS4{secret}".encode()
    for part in (day, _REGION, "s3", "aws4_request"):
        made = hmac.new(made, part.encode(), hashlib.sha256).digest()
    return made
