"""Parsers for settings that pydantic has no type for. They raise ValueError with a message for the operator.

A message quotes only the scheme of a URL: any other part of it may belong to a password.
"""

import os
import re
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from ipaddress import ip_address, ip_network
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl

from cloudkeep.settings.messages import quote
from cloudkeep.settings.units import parse_duration, parse_size
from services.budgets.limits import Limit
from services.core.hosts import parse_address, parse_authority, to_ascii
from services.core.urls import has_more_than_origin, require_scheme, split_url
from storage.accounts.breached_passwords import require_valid
from storage.redis.sentinel_url import SENTINEL_PASSWORD, SENTINEL_SCHEMES, SENTINEL_USERNAME, parse_sentinel_url

#: As a trusted proxy: every peer on a unix socket.
UNIX = "unix"
#: A process needs one connection for a transaction and one for other queries meanwhile.
MIN_POOL_SIZE = 2
#: A longer delay would lock an owner out.
LONGEST_DELAY_SECONDS = 24 * 60 * 60
#: The options of libpq that we support (https://www.postgresql.org/docs/current/libpq-connect.html).
POSTGRES_OPTIONS = ("sslmode", "sslrootcert", "sslcert", "sslkey", "host")
SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
#: The options of redis-py that we support (https://redis.readthedocs.io/en/stable/connections.html).
REDIS_TLS_OPTIONS = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile", "ssl_cert_reqs", "ssl_check_hostname")
CERT_REQS = ("required", "optional", "none")
SENTINEL_OPTIONS = (SENTINEL_USERNAME, SENTINEL_PASSWORD)
REDIS_OPTIONS = {
    "redis": ("db",),
    "rediss": ("db", *REDIS_TLS_OPTIONS),
    "redis+sentinel": SENTINEL_OPTIONS,
    "rediss+sentinel": (*SENTINEL_OPTIONS, *REDIS_TLS_OPTIONS),
    "unix": ("db", "password"),
}


def budget(text: str) -> Limit | None:
    """``capacity/refill``, ``capacity/refill/open``, ``capacity/refill/closed``, or ``off``. Both count points."""
    return _limit(text, capacity_and_refill, "20000/1000")


def ingest_budget(text: str) -> Limit | None:
    """The same in bytes, which may have units, as in ``256GiB/1GiB``."""
    return _limit(text, bytes_and_refill, "256GiB/1GiB")


def _limit(text: str, parse: Callable[[str], tuple[int, float] | None], example: str) -> Limit | None:
    text = text.strip()
    if text == "off":
        return None
    closed = text.endswith("/closed")
    amounts = parse(text.removesuffix("/closed" if closed else "/open"))
    if not amounts:
        raise ValueError(
            f"must be off, or a capacity and the refill per second, both above 0, as in {example}, "
            f"{example}/open or {example}/closed, not {quote(text)}"
        )
    return Limit(*amounts, closed=closed)


def capacity_and_refill(text: str) -> tuple[int, float] | None:
    """Both numbers of ``capacity/refill``, above 0 and at most 2^53, which a double counts exactly; else None."""
    match = re.fullmatch(r"(\d{1,16})/(\d{1,16}(?:\.\d{1,9})?)", text, re.ASCII)
    capacity, refill = (int(match[1]), float(match[2])) if match else (0, 0.0)
    return (capacity, refill) if 1 <= capacity <= 2**53 and 0 < refill <= 2**53 else None


def bytes_and_refill(text: str) -> tuple[int, float] | None:
    """The same where both may be sizes with units."""
    sizes = ((parse_size(part), part) for part in text.split("/"))
    return capacity_and_refill("/".join(part if size is None else str(size) for size, part in sizes))


def subscription_limits(text: str) -> tuple[int, int]:
    """``ACCOUNT/ADDRESS``: the limit of an account, and of an address for clients that are not signed in."""
    match = re.fullmatch(r"(\d{1,6})/(\d{1,6})", text.strip(), re.ASCII)
    if not match:
        raise ValueError(f"must be two whole numbers like 100/20, not {quote(text)}")
    return int(match[1]), int(match[2])


def registration_limits(text: str) -> tuple[int, int]:
    """``TOTAL/ADDRESS``: the limit of all clients together, and of one address."""
    match = re.fullmatch(r"([1-9]\d{0,5})/([1-9]\d{0,5})", text.strip(), re.ASCII)
    if not match:
        raise ValueError(f"must be two whole numbers above 0 like 100000/100, not {quote(text)}")
    return int(match[1]), int(match[2])


def sign_in_delays(text: str) -> tuple[float, float]:
    """``CLIENT/TOTAL``: the longest delay of one client, and of clients that wait because of others, in seconds."""
    delays = [parse_duration(part) for part in text.split("/")]
    seconds = [float(delay) for delay in delays if delay is not None and delay <= LONGEST_DELAY_SECONDS]
    if len(delays) != 2 or len(seconds) != 2:
        raise ValueError(f"must be two times of at most a day, like 15m/1m, not {quote(text)}")
    return seconds[0], seconds[1]


def pool_size(text: str) -> tuple[int, int]:
    """``MIN/MAX`` connections."""
    match = re.fullmatch(r"(\d{1,4})/(\d{1,4})", text.strip(), re.ASCII)
    low, high = (int(match[1]), int(match[2])) if match else (0, 0)
    if not low <= high <= 1000 or high < MIN_POOL_SIZE:
        raise ValueError(
            f"must be two whole numbers like 1/10, the second from {MIN_POOL_SIZE} to 1000 and not below the first, "
            f"not {quote(text)}"
        )
    return low, high


def percent(value: str | int) -> str | int:
    """The number before a percent sign, which may be missing. The caller checks that it is a number."""
    return value.strip().removesuffix("%").rstrip() if isinstance(value, str) else value


def version_count(value: str | int) -> int:
    """A number of versions."""
    text = str(value).strip()
    if not re.fullmatch(r"[0-9]{1,9}", text) or not int(text):
        raise ValueError(f"must be none or a number of versions from 1 on, not {quote(value)}")
    return int(text)


def comma_list(text: str) -> tuple[str, ...]:
    """The entries of a comma-separated list, without empty ones."""
    return tuple(filter(None, (entry.strip() for entry in text.split(","))))


def comma_list_or_none(text: str) -> tuple[str, ...]:
    """The entries of a comma-separated list; ``none`` is an empty list."""
    return () if text.strip().lower() == "none" else comma_list(text)


def network(text: str) -> str:
    """An IP address or a CIDR range."""
    try:
        ip_network(text)
    except ValueError:
        raise ValueError(f"must be a list of IP addresses and CIDR ranges, not {quote(text)}") from None
    return text


def proxy(text: str) -> str:
    """An IP address, a CIDR range, or the word ``unix``."""
    return text if text == UNIX else network(text)


def database_url(url: str) -> str:
    """``sqlite:///absolute/path``, or a PostgreSQL database: ``postgres://user:password@host:port/name?sslmode=…``.

    The path of an SQLite file is not percent-encoded; everything else is.
    """
    parts = split_url(url, "sqlite", "postgres", "postgresql")
    if parts.scheme != "sqlite":
        _require_postgres(url, parts)
    elif not url.startswith("sqlite:///") or parts.path.endswith("/") or "?" in url or "#" in url:
        raise ValueError("must name a file by its absolute path, as in sqlite:///path/to/file")
    return url


def _require_postgres(url: str, parts: SplitResult) -> None:
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    _require_options(options, POSTGRES_OPTIONS)
    _require_word(options, "sslmode", SSL_MODES)
    _require_files(options, "sslrootcert", "sslcert", "sslkey")
    has_names = re.fullmatch(r"/[^/]+", parts.path) and parts.username
    if not has_names or not (parts.hostname or options.get("host", "").startswith("/")) or "#" in url:
        raise ValueError(
            "must name user, host and database, percent-encoded, as in postgres://user:password@host:5432/name, "
            "or the folder of a unix socket, as in postgres://user@/name?host=/run/postgresql"
        )


def blob_url(url: str) -> str:
    """``file:///absolute/path``, percent-encoded, or an S3 URL that ``storage.blobs.s3.url`` accepts."""
    parts = split_url(url, "file", "s3")
    if parts.scheme == "s3":
        from storage.blobs.s3.url import parse

        parse(url)
    elif parts.netloc or not parts.path.startswith("/") or parts.query or parts.fragment:
        raise ValueError("must name a folder by its absolute path, as in file:///path/to/folder")
    return url


def redis_url(url: str) -> str:
    """``redis://host``, ``rediss://host`` (TLS), ``unix:///path/to/socket``, or ``redis+sentinel://``."""
    scheme = require_scheme(url, *REDIS_OPTIONS)
    if scheme in SENTINEL_SCHEMES:
        _require_redis_options(scheme, parse_sentinel_url(url).options)
        return url
    parts = split_url(url, *REDIS_OPTIONS)
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    _require_redis_options(scheme, options)
    is_socket = scheme == "unix"
    # redis-py takes 0 for a number that it cannot read.
    number = options.get("db", "0" if is_socket else parts.path.strip("/") or "0")
    if not (parts.path if is_socket else parts.hostname) or not re.fullmatch(r"\d{1,9}", number, re.ASCII):
        raise ValueError("must be like redis://host:6379/0 or unix:///path/to/socket")
    return url


def _require_redis_options(scheme: str, options: Mapping[str, str]) -> None:
    _require_options(options, REDIS_OPTIONS[scheme])
    _require_word(options, "ssl_cert_reqs", CERT_REQS)
    _require_files(options, "ssl_ca_certs", "ssl_certfile", "ssl_keyfile")


def _require_options(options: Mapping[str, str], allowed: Collection[str]) -> None:
    if not options.keys() <= set(allowed):
        raise ValueError(f"has an unknown option; it may have {', '.join(allowed)}")


def _require_word(options: Mapping[str, str], name: str, allowed: Collection[str]) -> None:
    if name in options and options[name] not in allowed:
        raise ValueError(f"{name} must be one of {', '.join(allowed)}")


def _require_files(options: Mapping[str, str], *names: str) -> None:
    for name in names:
        if name in options and not os.access(options[name], os.R_OK):
            raise ValueError(f"{name} names a file that cannot be read")


def breached_passwords(path: Path) -> Path:
    """A file that ``storage.accounts.breached_passwords`` can search."""
    require_valid(path)
    return path


def mail_url(url: str) -> str:
    """``console:``, or the URL of a mail server that ``storage.mail`` accepts."""
    if url != "console:":
        from storage.mail.url import parse_smtp_url  # loads an SMTP client, which most processes never need

        if split_url(url, "console", "smtp", "smtps").scheme == "console":
            raise ValueError("must be console: and nothing more, or the URL of a mail server")
        parse_smtp_url(url)
    return url


def traces_url(url: str) -> str:
    """The URL of an OTLP receiver over HTTP. A URL without a path gets OTLP's default path for traces."""
    parts = split_url(url, "http", "https")
    if not parts.hostname or parts.query or parts.fragment:
        raise ValueError("must be like http://collector:4318 or https://collector.example.org/v1/traces")
    return url if parts.path.strip("/") else f"{url.rstrip('/')}/v1/traces"


def origins(text: str) -> tuple[str, ...]:
    """A comma-separated list of web origins, as browsers write them in an Origin header; or ``*`` for all origins."""
    entries = comma_list(text)
    if "*" in entries and len(entries) > 1:
        raise ValueError("must be either * or a list of origins")
    return entries if entries == ("*",) else tuple(_origin(entry) for entry in entries)


def _origin(text: str) -> str:
    parts = split_url(text, "http", "https")
    if not parts.hostname or has_more_than_origin(parts) or "*" in text or not text.isascii():
        raise ValueError(f"must be a list of origins like https://app.example.org, not {quote(text)}")
    default = {"http": ":80", "https": ":443"}[parts.scheme]
    return f"{parts.scheme}://{parts.netloc.lower().removesuffix(default).removesuffix(':')}"


def hosts(text: str) -> tuple[str, ...]:
    """A comma list of host names and addresses, of ``.example.org`` for a domain and its subdomains, or of ``*``."""
    return tuple(entry if entry == "*" else _host(entry) for entry in comma_list(text))


def _host(text: str) -> str:
    with suppress(ValueError):
        is_ipv6 = parse_address(text.strip("[]")) is not None and ":" in text
        authority = parse_authority(f"[{text.strip('[]')}]" if is_ipv6 else to_ascii(text.removeprefix(".")))
        if is_ipv6 or ":" not in text:
            return f".{authority.host}" if text.startswith(".") else authority.host
    raise ValueError(f"must list hosts like drive.example.org, without scheme and port, and {quote(text)} is none")


def reachable_host(host: str) -> str:
    """The address at which this machine reaches a server bound to ``host``: loopback for a wildcard address."""
    with suppress(ValueError):
        address = ip_address(host)
        if address.is_unspecified:
            return "127.0.0.1" if address.version == 4 else "::1"
    return host
