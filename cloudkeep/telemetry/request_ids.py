"""The ID of a request: what its sender or a proxy calls it, or else a new one."""

import os
import re
from collections.abc import Iterable

HEADER = b"x-request-id"
#: Whatever else came could make lines, or fill them.
SANE = re.compile(rb"[A-Za-z0-9._-]{1,64}")


def new_request_id() -> str:
    """96 random bits in hex."""
    return os.urandom(12).hex()


def request_id_of(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """The one that came with the request, if it is sane."""
    for name, value in headers:
        if name == HEADER and SANE.fullmatch(value):
            return value.decode("ascii")
    return new_request_id()
