"""The HTTP client, and what its errors and answers mean for another try."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from ipaddress import ip_address
from urllib.parse import urlsplit

import httpx

from cloudkeep import __version__
from cloudkeep.client.errors import Throttled, TryAgain, UsageError

#: In seconds, for a question and its answer.
TIMEOUT = httpx.Timeout(30.0, connect=10.0)
#: For a chunk: over a slow line one block takes a while, and the answer comes once the server's disk has everything.
CHUNK_TIMEOUT = httpx.Timeout(120.0, connect=10.0)
#: Shorter than servers and proxies keep idle connections, so that none is used in the moment it is closed.
KEEP_ALIVE_SECONDS = 15.0
RETRY_STATUSES = frozenset({408, 425, 429})
TOO_MANY_REQUESTS = 429
#: Said again and again while the server is busy with this account, so there are no figures in it.
BUDGET_USED_UP = "the server's budget for you is used up for now"


def open_http(url: str) -> httpx.AsyncClient:
    """A client for the server at this origin. Raises :class:`UsageError` when the environment's settings are broken.

    On this machine there is no proxy in between, whatever the environment says of proxies.
    """
    try:
        return httpx.AsyncClient(
            timeout=TIMEOUT,
            limits=httpx.Limits(keepalive_expiry=KEEP_ALIVE_SECONDS),
            headers={"User-Agent": f"cloudkeep/{__version__}"},
            verify=httpx.create_ssl_context(),
            trust_env=not is_loopback(url),
        )
    except OSError as error:
        raise UsageError(f"SSL_CERT_FILE or SSL_CERT_DIR: {error.strerror}") from error
    except (ValueError, httpx.InvalidURL) as error:
        raise UsageError(f"HTTP_PROXY, HTTPS_PROXY, ALL_PROXY or NO_PROXY: {error}") from error


def is_loopback(url: str) -> bool:
    """Whether the URL's host is this machine."""
    host = urlsplit(url).hostname or ""
    with suppress(ValueError):
        return ip_address(host).is_loopback
    return host == "localhost"


def origin(url: str) -> str:
    """Scheme, host and port: the part of a signed URL that may be shown."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


@contextmanager
def passing_faults(url: str) -> Iterator[None]:
    """Turn every failure to get an answer into :class:`TryAgain`."""
    try:
        yield
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise TryAgain(_reason(error, origin(url))) from error


def require_answer(response: httpx.Response, detail: str = "") -> None:
    """Raises :class:`TryAgain` on a status that says "later"; ``detail`` is the server's word on it, if it gave one.

    Raises :class:`Throttled` when it says how much later, because there is too much at a time.
    """
    if response.status_code == TOO_MANY_REQUESTS and retry_after(response):
        raise Throttled(BUDGET_USED_UP, retry_after(response))
    if response.status_code in RETRY_STATUSES or response.status_code >= 500:
        where = origin(str(response.url))
        bare = f"{where} answers {response.status_code} {response.reason_phrase}"
        raise TryAgain(detail or bare, retry_after(response))


def retry_after(response: httpx.Response) -> float:
    """The seconds to wait by the Retry-After field (RFC 9110, section 10.2.3); 0 when there is none."""
    text = response.headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    with suppress(ValueError, TypeError):
        return max(0.0, (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds())
    return 0.0


def seconds_of(told: Mapping[str, object]) -> float | None:
    """``retryAfter`` of GraphQL's extensions or of a problem document, which is finer than the field of the head.

    None when the server knows of no moment at which it would say anything else.
    """
    seconds = told.get("retryAfter")
    return float(seconds) if isinstance(seconds, int | float) and seconds >= 0 else None


def _reason(error: Exception, where: str) -> str:
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.ProxyError):
        untrusted = "CERTIFICATE_VERIFY_FAILED" in str(error)
        return f"cannot reach {where}" + (": its certificate is not trusted" if untrusted else "")
    if isinstance(error, httpx.TimeoutException):
        return f"no answer from {where}"
    return f"the connection to {where} was lost"
