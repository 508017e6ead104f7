"""How the text of one setting becomes its value. Every parser raises ValueError with a message fit for an operator.

Of a URL no message quotes more than the scheme: any other part of it may be a piece of a password.
"""

import os
import re
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from ipaddress import ip_address, ip_network
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, urlsplit

from services.budgets.limits import Limit
from storage.redis.sentinel_url import SENTINEL_PASSWORD, SENTINEL_SCHEMES, SENTINEL_USERNAME, parse_sentinel_url

Parser = Callable[[object], object]

#: Among trusted proxies: whoever comes by a unix socket.
UNIX = "unix"
#: A process needs one connection for a transaction, and one for those who ask meanwhile.
MOST_AT_LEAST = 2
#: As libpq knows them (https://www.postgresql.org/docs/current/libpq-connect.html); asyncpg reads them from the URL.
POSTGRES_OPTIONS = ("sslmode", "sslrootcert", "sslcert", "sslkey", "host")
#: As redis-py knows them (https://redis.readthedocs.io/en/stable/connections.html); what we set ourselves is left out.
REDIS_TLS_OPTIONS = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile", "ssl_cert_reqs", "ssl_check_hostname")
SENTINEL_OPTIONS = (SENTINEL_USERNAME, SENTINEL_PASSWORD)
REDIS_OPTIONS = {
    "redis": ("db",),
    "rediss": ("db", *REDIS_TLS_OPTIONS),
    "redis+sentinel": SENTINEL_OPTIONS,
    "rediss+sentinel": (*SENTINEL_OPTIONS, *REDIS_TLS_OPTIONS),
    "unix": ("db", "password"),
}
CERT_REQS = ("required", "optional", "none")
SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
X_FORWARDED_FOR, FORWARDED = "X-Forwarded-For", "Forwarded"


def between(low: int, high: int) -> Parser:
    """A whole number from ``low`` to ``high``, both included."""

    def parse(value: object) -> int:
        text = str(value).strip()
        number = int(text) if re.fullmatch(r"\d{1,20}", text, re.ASCII) else None
        if number is None or not low <= number <= high:
            raise ValueError(f"must be between {low} and {high}, not {_quote(value)}")
        return number

    return parse


def seconds(low: float, high: float) -> Parser:
    """A number of seconds from ``low`` to ``high``, both included; it may have decimals."""

    def parse(value: object) -> float:
        text = str(value).strip()
        number = float(text) if re.fullmatch(r"\d{1,20}(\.\d{1,20})?", text, re.ASCII) else None
        if number is None or not low <= number <= high:
            raise ValueError(f"must be a number of seconds between {low:g} and {high:g}, not {_quote(value)}")
        return number

    return parse


def budget(value: object) -> Limit | None:
    """``capacity/refill``, ``capacity/refill/open``, ``capacity/refill/closed``, or ``off``."""
    text = str(value).strip()
    if text == "off":
        return None
    closed = text.endswith("/closed")
    found = bucket(text.removesuffix("/closed" if closed else "/open"))
    if not found:
        raise ValueError(
            "must be off, or a capacity and what flows back every second, both above 0, as in 20000/1000, "
            f"20000/1000/open or 20000/1000/closed, not {_quote(value)}"
        )
    return Limit(*found, closed=closed)


def bucket(text: str) -> tuple[int, float] | None:
    """``capacity/refill``, both above 0 and at most 2^53, which a double counts exactly; None when it is none."""
    found = re.fullmatch(r"(\d{1,16})/(\d{1,16}(?:\.\d{1,9})?)", text, re.ASCII)
    capacity, refill = (int(found[1]), float(found[2])) if found else (0, 0.0)
    return (capacity, refill) if 1 <= capacity <= 2**53 and 0 < refill <= 2**53 else None


def caps(value: object) -> tuple[int, int]:
    """``ACCOUNT/ADDRESS``: how many an account may have, and an address where nobody is signed in."""
    found = re.fullmatch(r"(\d{1,6})/(\d{1,6})", str(value).strip(), re.ASCII)
    if not found:
        raise ValueError(f"must be two whole numbers like 100/20, not {_quote(value)}")
    return int(found[1]), int(found[2])


def matching(pattern: str, meaning: str) -> Parser:
    """Text that is a ``pattern`` as a whole; ``meaning`` says in words what that is."""

    def parse(value: object) -> str:
        if not re.fullmatch(pattern, str(value)):
            raise ValueError(f"must be {meaning}, not {_quote(value)}")
        return str(value)

    return parse


def folder(value: object) -> Path:
    """A folder or a file, made absolute; ``~`` stands for the home folder."""
    return Path(str(value)).expanduser().absolute()


def switch(value: object) -> bool:
    """``true`` or ``false``."""
    word = str(value).strip().lower()
    if word not in {"true", "false"}:
        raise ValueError(f"must be true or false, not {_quote(value)}")
    return word == "true"


def networks(value: object) -> tuple[str, ...]:
    """A comma list of IP addresses and CIDR ranges."""
    entries = tuple(filter(None, (entry.strip() for entry in str(value).split(","))))
    for entry in entries:
        try:
            ip_network(entry)
        except ValueError:
            raise ValueError(f"must list IP addresses and CIDR ranges, and {_quote(entry)} is neither") from None
    return entries


def networks_or_none(value: object) -> tuple[str, ...]:
    """The same, or the word ``none``."""
    return () if str(value).strip().lower() == "none" else networks(value)


def proxies(value: object) -> tuple[str, ...]:
    """A comma list of IP addresses and CIDR ranges, and perhaps the word ``unix``."""
    entries = tuple(filter(None, (entry.strip() for entry in str(value).split(","))))
    return networks(",".join(entry for entry in entries if entry != UNIX)) + ((UNIX,) if UNIX in entries else ())


def one_of(*words: str) -> Parser:
    """One of a few words, however its letters are cased."""

    def parse(value: object) -> str:
        found = next((word for word in words if word.lower() == str(value).strip().lower()), None)
        if found is None:
            raise ValueError(f"must be {' or '.join(words)}, not {_quote(value)}")
        return found

    return parse


def pool(value: object) -> tuple[int, int]:
    """``MIN/MAX`` connections."""
    found = re.fullmatch(r"(\d{1,4})/(\d{1,4})", str(value).strip(), re.ASCII)
    least, most = (int(found[1]), int(found[2])) if found else (0, 0)
    if not 0 <= least <= most <= 1000 or most < MOST_AT_LEAST:
        raise ValueError(
            f"must be two whole numbers like 1/10, the second from {MOST_AT_LEAST} to 1000 and not below the first, "
            f"not {_quote(value)}"
        )
    return least, most


def database_url(value: object) -> str:
    """``sqlite:///absolute/path``, or a PostgreSQL database: ``postgres://user:password@host:port/name?sslmode=…``.

    The path of a file is what follows the second slash as it is, without percent-encoding; all else is encoded.
    """
    url = str(value)
    parts = _split(url, "sqlite", "postgres", "postgresql")
    if parts.scheme != "sqlite":
        return _postgres_url(url, parts)
    if not url.startswith("sqlite:///") or parts.path.endswith("/") or "?" in url or "#" in url:
        raise ValueError("must name a file by its absolute path, as in sqlite:///path/to/file")
    return url


def _postgres_url(url: str, parts: SplitResult) -> str:
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    _require_options(options, POSTGRES_OPTIONS)
    if options.get("sslmode", "prefer") not in SSL_MODES:
        raise ValueError(f"sslmode must be one of {', '.join(SSL_MODES)}")
    _require_files(options, "sslrootcert", "sslcert", "sslkey")
    named = re.fullmatch(r"/[^/]+", parts.path) and parts.username
    if not named or not (parts.hostname or options.get("host", "").startswith("/")) or "#" in url:
        raise ValueError(
            "must name user, host and database, percent-encoded, as in postgres://user:password@host:5432/name, "
            "or the folder of a unix socket, as in postgres://user@/name?host=/run/postgresql"
        )
    return url


def blob_url(value: object) -> str:
    """``file:///absolute/path``, percent-encoded, or what ``storage.blobs.s3.url`` defines."""
    url = str(value)
    parts = _split(url, "file", "s3")
    if parts.scheme == "s3":
        from storage.blobs.s3.url import parse

        parse(url)
        return url
    if parts.netloc or not parts.path.startswith("/") or parts.query or parts.fragment:
        raise ValueError("must name a folder by its absolute path, as in file:///path/to/folder")
    return url


def redis_url(value: object) -> str:
    """``redis://host``, ``rediss://host`` (TLS), ``unix:///path/to/socket``, or ``storage.redis.sentinel_url``'s."""
    url = str(value)
    scheme = _scheme(url, *REDIS_OPTIONS)
    if scheme in SENTINEL_SCHEMES:
        _require_redis_options(scheme, parse_sentinel_url(url).options)
        return url
    parts = _split(url, *REDIS_OPTIONS)
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    _require_redis_options(scheme, options)
    is_socket = parts.scheme == "unix"
    # redis-py takes 0 for a number that it cannot read.
    number = options.get("db", "0" if is_socket else parts.path.strip("/") or "0")
    if not (parts.path if is_socket else parts.hostname) or not re.fullmatch(r"\d{1,9}", number, re.ASCII):
        raise ValueError("must be like redis://host:6379/0 or unix:///path/to/socket")
    return url


def _require_redis_options(scheme: str, options: Mapping[str, str]) -> None:
    _require_options(options, REDIS_OPTIONS[scheme])
    if options.get("ssl_cert_reqs", "none") not in CERT_REQS:
        raise ValueError(f"ssl_cert_reqs must be one of {', '.join(CERT_REQS)}")
    _require_files(options, "ssl_ca_certs", "ssl_certfile", "ssl_keyfile")


def _require_options(options: Mapping[str, str], allowed: Collection[str]) -> None:
    if not options.keys() <= set(allowed):
        raise ValueError(f"has an option that is none of {', '.join(allowed)}")


def _require_files(options: Mapping[str, str], *names: str) -> None:
    for name in names:
        if name in options and not os.access(options[name], os.R_OK):
            raise ValueError(f"{name} names a file that cannot be read")


def mail_url(value: object) -> str:
    """``console:``, or where a mail server is; ``storage.mail`` defines both."""
    url = str(value)
    if url != "console:":
        from storage.mail.url import parse_smtp_url  # loads an SMTP client, which most processes never need

        parts = _split(url, "console", "smtp", "smtps")
        if parts.scheme == "console":
            raise ValueError("takes nothing behind console:")
        parse_smtp_url(url)
    return url


def public_url(value: object) -> str:
    """Where clients reach us: scheme, host and perhaps a port. A slash at the end is taken off."""
    parts = _split(str(value), "http", "https")
    if not parts.hostname or parts.username is not None or parts.path.strip("/") or parts.query or parts.fragment:
        raise ValueError("must be like https://drive.example.org, without path, query or user name")
    return f"{parts.scheme}://{parts.netloc}"


def traces_url(value: object) -> str:
    """Where OTLP is taken over HTTP. Without a path it is the one that OTLP has for traces."""
    url = str(value)
    parts = _split(url, "http", "https")
    if not parts.hostname or parts.query or parts.fragment:
        raise ValueError("must be like http://collector:4318 or https://collector.example.org/v1/traces")
    return url if parts.path.strip("/") else f"{url.rstrip('/')}/v1/traces"


def origins(value: object) -> tuple[str, ...]:
    """A comma list of web origins, as browsers write them in an Origin header; or ``*``, which is any of them."""
    entries = tuple(filter(None, (entry.strip() for entry in str(value).split(","))))
    if "*" in entries and len(entries) > 1:
        raise ValueError("is either * or a list of origins, not both")
    return entries if entries == ("*",) else tuple(_origin(entry) for entry in entries)


def _origin(text: str) -> str:
    parts = _split(text, "http", "https")
    extra = parts.username is not None or parts.path.strip("/") or parts.query or parts.fragment
    if not parts.hostname or extra or "*" in text or not text.isascii():
        raise ValueError(f"must list origins like https://app.example.org, and {_quote(text)} is none")
    default = {"http": ":80", "https": ":443"}[parts.scheme]
    return f"{parts.scheme}://{parts.netloc.lower().removesuffix(default).removesuffix(':')}"


def reachable(host: str) -> str:
    """The address under which this machine reaches a server bound to ``host``: loopback for "every address"."""
    with suppress(ValueError):
        address = ip_address(host)
        if address.is_unspecified:
            return "127.0.0.1" if address.version == 4 else "::1"
    return host


def _split(url: str, *schemes: str) -> SplitResult:
    """Take a URL apart and check its scheme and its port."""
    _scheme(url, *schemes)
    try:
        parts = urlsplit(url)
        valid = parts.port != 0
    except ValueError:
        valid = False
    if not valid:
        raise ValueError("is malformed: its host or its port cannot be read")
    return parts


def _scheme(url: str, *schemes: str) -> str:
    """The scheme of a URL, which must be one of these."""
    allowed = ", ".join(f"{scheme}:" for scheme in schemes)
    if not url.isprintable():
        raise ValueError("must not hold control characters")
    scheme = re.match(r"([A-Za-z][A-Za-z0-9+.-]*):", url)
    if not scheme:
        raise ValueError(f"must be a URL that starts with {allowed}")
    if scheme[1] not in schemes:
        raise ValueError(f"the scheme {scheme[1]}: is not supported, only {allowed}")
    return scheme[1]


def _quote(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
