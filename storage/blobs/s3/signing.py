"""Signing URLs of S3 ourselves, for which the client takes ten times as long.

AWS Signature Version 4 in the query (docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html): an
HMAC-SHA256 of what is asked, by a key that is derived from ours once a day. Where the bucket is, and how its name goes
into a URL, is the client's to say: one URL that it signed is taken apart.
"""

import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from typing import Protocol
from urllib.parse import parse_qs, quote, urlsplit

ALGORITHM = "AWS4-HMAC-SHA256"
#: A key that stands for any other in the URL that is taken apart.
SAMPLE = "sample"
DEFAULT_PORTS = {"http": ":80", "https": ":443"}


class Keys(Protocol):
    """Credentials, as botocore has them."""

    access_key: str
    secret_key: str
    token: str | None


class Signer:
    """Signs URLs of one bucket as one endpoint knows it."""

    def __init__(self, sample: str) -> None:
        """``sample`` is a signed URL of the object :data:`SAMPLE`."""
        parts = urlsplit(sample)
        self._root = parts.path.removesuffix(SAMPLE)
        self._server = f"{parts.scheme}://{parts.netloc}"
        self._host = parts.netloc.removesuffix(DEFAULT_PORTS.get(parts.scheme, "-"))
        (credential,) = parse_qs(parts.query)["X-Amz-Credential"]
        self._scope = "/".join(credential.rsplit("/", 3)[1:])

    def sign(
        self,
        method: str,
        key: str,
        query: Mapping[str, str],
        keys: Keys,
        seconds: int,
        length: int | None = None,
        at: datetime | None = None,
    ) -> str:
        """A URL that holds for so many seconds from ``at`` on. With ``length``, for just so many bytes of body."""
        moment = (at or datetime.now(UTC)).strftime("%Y%m%dT%H%M%SZ")
        scope = f"{moment[:8]}/{self._scope}"
        headers = {"host": self._host} if length is None else {"content-length": str(length), "host": self._host}
        asked = {
            **query,
            "X-Amz-Algorithm": ALGORITHM,
            "X-Amz-Credential": f"{keys.access_key}/{scope}",
            "X-Amz-Date": moment,
            "X-Amz-Expires": str(seconds),
            "X-Amz-SignedHeaders": ";".join(headers),
        }
        if keys.token:
            asked["X-Amz-Security-Token"] = keys.token
        path = self._root + quote(key, safe="/-_.~")
        arguments = "&".join(
            sorted(f"{quote(name, safe='')}={quote(value, safe='-_.~')}" for name, value in asked.items())
        )
        lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
        request = f"{method}\n{path}\n{arguments}\n{lines}\n{';'.join(headers)}\nUNSIGNED-PAYLOAD"
        text = f"{ALGORITHM}\n{moment}\n{scope}\n{sha256(request.encode()).hexdigest()}"
        signature = hmac.digest(_signing_key(keys.secret_key, scope), text.encode(), "sha256").hex()
        return f"{self._server}{path}?{arguments}&X-Amz-Signature={signature}"


@lru_cache(maxsize=8)
def _signing_key(secret: str, scope: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key
