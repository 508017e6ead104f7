"""Cookies of this server: their names, and the headers that carry them (RFC 6265, and its revision, RFC 6265bis).

Parsers of libraries are made for cookies of other programs. They remove quotes and white space of Unicode, and join
parts, so a value that another site has planted could be read as one of ours. Here a name and a value are compared as
they are.
"""

import re
from functools import lru_cache
from urllib.parse import urlsplit

from services.core.hosts import is_loopback

#: Browsers accept a cookie with this prefix only from the host itself, for all of its paths, and only over a secure
#: connection (RFC 6265bis, section 4.1.3.2). So neither another subdomain nor plain http can replace it.
HOST_PREFIX = "__Host-"
#: Values that need no quotes, without what a later standard could give a meaning.
_VALUE = re.compile(r"[A-Za-z0-9._~-]*", re.ASCII)
#: Most requests have one of a few base URLs.
_CACHED = 128


@lru_cache(_CACHED)
def allows_secure_cookies(base_url: str) -> bool:
    """Whether browsers keep a cookie with ``Secure`` that this server sets: over https, and on loopback addresses."""
    parts = urlsplit(base_url)
    return parts.scheme == "https" or is_loopback(parts.hostname or "")


def cookie_name(name: str, base_url: str) -> str:
    """The name of a cookie as it is sent to ``base_url``: with the prefix wherever browsers allow it."""
    return HOST_PREFIX + name if allows_secure_cookies(base_url) else name


def cookie_values(header: str, name: str) -> set[str]:
    """The different values of a cookie in a ``Cookie`` header. More than one cannot come from this server alone."""
    return {value.strip(" \t") for value in _pattern(name).findall(header)} if name in header else set()


@lru_cache(_CACHED)
def _pattern(name: str) -> re.Pattern[str]:
    # Only spaces and tabs: other white space belongs to the name, which is then not ours. A search takes a tenth of the
    # time of splitting a header of 64 KiB.
    return re.compile(rf"(?:^|;)[ \t]*{re.escape(name)}[ \t]*(?:=([^;]*)|(?=;|$))")


def set_cookie(name: str, value: str, max_age: int, base_url: str) -> str:
    """A ``Set-Cookie`` header. ``max_age`` is in seconds; 0 deletes the cookie.

    Raises ValueError for a value that would need quotes.
    """
    if not _VALUE.fullmatch(value):
        raise ValueError("is no value for a cookie")
    secure = "; Secure" if allows_secure_cookies(base_url) else ""
    return f"{cookie_name(name, base_url)}={value}; Path=/; Max-Age={max_age}; HttpOnly; SameSite=Strict{secure}"
