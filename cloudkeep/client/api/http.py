"""The HTTP client, and which of its errors and responses may be retried."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from ipaddress import ip_address
from urllib.parse import urlsplit

import httpx

from cloudkeep import __version__
from cloudkeep.client.errors import RateLimited, RetryableError, UsageError

#: The timeout of a query with its response, in seconds.
TIMEOUT = httpx.Timeout(30.0, connect=10.0)
#: The timeout for a chunk: the server only responds when the chunk is on its disk, and connections may be slow.
CHUNK_TIMEOUT = httpx.Timeout(120.0, connect=10.0)
#: Shorter than the keep-alive timeout of servers and proxies, so that they do not close a connection that is in use.
KEEP_ALIVE_SECONDS = 15.0
RETRYABLE_STATUSES = frozenset({408, 425, 429})
TOO_MANY_REQUESTS = 429
#: Without numbers, because a repeated message is shown only once.
BUDGET_USED_UP = "the server limits how much you may send"


def open_http(url: str) -> httpx.AsyncClient:
    """A client for the server at this origin. Raises :class:`UsageError` for wrong TLS or proxy variables.

    A server on this machine is reached without a proxy, even if the environment names one.
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
def network_errors_retryable(url: str) -> Iterator[None]:
    """Raise :class:`RetryableError` for every failure to get a response."""
    try:
        yield
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise RetryableError(_describe(error, origin(url))) from error


def raise_if_retryable(response: httpx.Response, detail: str = "") -> None:
    """Raise :class:`RetryableError` for a status that is temporary. ``detail`` is the server's message, if any.

    A status 429 with the time to wait is :class:`RateLimited`.
    """
    retry_after = retry_after_header(response)
    if response.status_code == TOO_MANY_REQUESTS and retry_after:
        raise RateLimited(BUDGET_USED_UP, retry_after)
    if response.status_code in RETRYABLE_STATUSES or response.status_code >= 500:
        status = f"{origin(str(response.url))} answers {response.status_code} {response.reason_phrase}"
        raise RetryableError(detail or status, retry_after)


def retry_after_header(response: httpx.Response) -> float:
    """The seconds to wait by the Retry-After header (RFC 9110, section 10.2.3); 0 when there is none."""
    text = response.headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    with suppress(ValueError, TypeError):
        return max(0.0, (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds())
    return 0.0


def retry_after_member(extensions: Mapping[str, object]) -> float | None:
    """``retryAfter`` in GraphQL's extensions or in a problem document, which is more precise than the header.

    None when waiting does not help.
    """
    seconds = extensions.get("retryAfter")
    return float(seconds) if isinstance(seconds, int | float) and seconds >= 0 else None


def _describe(error: Exception, where: str) -> str:
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.ProxyError):
        untrusted = "CERTIFICATE_VERIFY_FAILED" in str(error)
        return f"cannot reach {where}" + (": its certificate is not trusted" if untrusted else "")
    if isinstance(error, httpx.TimeoutException):
        return f"no answer from {where}"
    return f"the connection to {where} was lost"
