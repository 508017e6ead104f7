"""Byte ranges and preconditions of a download (RFC 9110, sections 13 and 14)."""

import re
from dataclasses import dataclass

#: The unit is case-insensitive (section 14.1).
RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True)
class ByteRange:
    """``length`` bytes from ``start`` on."""

    start: int
    length: int

    def content_range(self, size: int) -> str:
        """The value of Content-Range for a body of ``size`` bytes."""
        return f"bytes {self.start}-{self.start + self.length - 1}/{size}"


class Unsatisfiable(Exception):
    """The range begins after the end of the file."""


def parse_range(header: str | None, size: int) -> ByteRange | None:
    """The requested range; None when the whole is to be sent.

    Several ranges, other units and malformed headers are ignored, which section 14.2 allows. Raises
    :class:`Unsatisfiable`.
    """
    match = RANGE.fullmatch(header.strip()) if header else None
    first, last = match.groups() if match else ("", "")
    if not first and not last:
        return None
    if first:
        start, end = int(first), min(int(last), size - 1) if last else size - 1
        if last and int(last) < int(first):
            return None
    else:
        start, end = max(0, size - int(last)), size - 1
    if start > end:
        raise Unsatisfiable
    return ByteRange(start, end - start + 1)


def matches(header: str | None, etag: str) -> bool:
    """Whether an If-None-Match header names this entity tag (weak comparison, section 8.8.3.2)."""
    if header is None:
        return False
    tags = [tag.strip().removeprefix("W/") for tag in header.split(",")]
    return "*" in tags or etag in tags
