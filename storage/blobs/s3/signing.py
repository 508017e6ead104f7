"""Signs URLs of S3, ten times as fast as the client.

AWS Signature Version 4 in the query (docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html): an
HMAC-SHA256 of the request, with a key that is derived from the secret key once a day. The endpoint and the form of the
URL are taken from one URL that the client signed.
"""

import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from typing import Protocol
from urllib.parse import parse_qs, quote, urlsplit

ALGORITHM = "AWS4-HMAC-SHA256"
#: The key of the object in the URL that the client signs.
SAMPLE = "sample"
DEFAULT_PORTS = {"http": ":80", "https": ":443"}


class Credentials(Protocol):
    """Credentials in the form of botocore."""

    access_key: str
    secret_key: str
    token: str | None


class Signer:
    """Signs URLs of one bucket for one endpoint."""

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
        credentials: Credentials,
        seconds: int,
        length: int | None = None,
        at: datetime | None = None,
    ) -> str:
        """A URL that is valid for ``seconds`` from ``at`` on; with ``length``, only for a body of this many bytes."""
        moment = (at or datetime.now(UTC)).strftime("%Y%m%dT%H%M%SZ")
        scope = f"{moment[:8]}/{self._scope}"
        headers = {"host": self._host} if length is None else {"content-length": str(length), "host": self._host}
        parameters = {
            **query,
            "X-Amz-Algorithm": ALGORITHM,
            "X-Amz-Credential": f"{credentials.access_key}/{scope}",
            "X-Amz-Date": moment,
            "X-Amz-Expires": str(seconds),
            "X-Amz-SignedHeaders": ";".join(headers),
        }
        if credentials.token:
            parameters["X-Amz-Security-Token"] = credentials.token
        path = self._root + quote(key, safe="/-_.~")
        encoded = "&".join(
            sorted(f"{quote(name, safe='')}={quote(value, safe='-_.~')}" for name, value in parameters.items())
        )
        lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
        request = f"{method}\n{path}\n{encoded}\n{lines}\n{';'.join(headers)}\nUNSIGNED-PAYLOAD"
        text = f"{ALGORITHM}\n{moment}\n{scope}\n{sha256(request.encode()).hexdigest()}"
        signature = hmac.digest(_signing_key(credentials.secret_key, scope), text.encode(), "sha256").hex()
        return f"{self._server}{path}?{encoded}&X-Amz-Signature={signature}"


@lru_cache(maxsize=8)
def _signing_key(secret: str, scope: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key
