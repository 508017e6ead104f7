"""Checks URLs of settings and options. Messages quote only the scheme, because the rest may contain a password."""

import re
from contextlib import suppress
from urllib.parse import SplitResult, urlsplit

from services.core.hosts import parse_authority, to_ascii


def require_scheme(url: str, *schemes: str) -> str:
    """The scheme of a URL. Raises ValueError unless it is one of ``schemes``."""
    allowed = ", ".join(f"{scheme}:" for scheme in schemes)
    if not url.isprintable():
        raise ValueError("must not contain control characters")
    # What is before a port, as in localhost:8000, is no scheme.
    match = re.match(r"([A-Za-z][A-Za-z0-9+.-]*):(?!\d+(/|$))", url)
    if not match:
        raise ValueError(f"must be a URL that starts with {allowed}")
    if match[1] not in schemes:
        raise ValueError(f"the scheme {match[1]}: is not supported, only {allowed}")
    return match[1]


def split_url(url: str, *schemes: str) -> SplitResult:
    """The parts of a URL. Raises ValueError unless its scheme is one of ``schemes`` and its port is valid."""
    require_scheme(url, *schemes)
    try:
        parts = urlsplit(url)
        is_valid = parts.port != 0
    except ValueError:
        is_valid = False
    if not is_valid:
        raise ValueError("is malformed: its host or port cannot be parsed")
    return parts


def base_url(url: str) -> str:
    """The URL of a server without a trailing slash: scheme, host and optional port. Raises ValueError."""
    parts = split_url(url, "http", "https")
    if not _has_host(parts) or has_more_than_origin(parts):
        raise ValueError("must be like https://drive.example.org, without path, query or user name")
    return f"{parts.scheme}://{parts.netloc}"


def _has_host(parts: SplitResult) -> bool:
    """Whether a URL has a host that can stand in a Host header."""
    with suppress(ValueError):
        parse_authority(to_ascii(parts.netloc))
        return True
    return False


def has_more_than_origin(parts: SplitResult) -> bool:
    """Whether a URL has a user name, a path, a query or a fragment."""
    return parts.username is not None or bool(parts.path.strip("/") or parts.query or parts.fragment)
