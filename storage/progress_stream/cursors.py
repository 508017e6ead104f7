"""Cursors of the event log: the IDs of entries of a Redis stream."""

import re
from typing import TypeAlias

from storage.errors import InvalidCursor

#: The cursor before every event.
BEGINNING = "0-0"
CURSOR = re.compile(r"\d{1,20}-\d{1,20}", re.ASCII)
#: The two halves of an ID are unsigned 64-bit numbers, and no ID follows the greatest.
LARGEST = 2**64 - 1

Position: TypeAlias = tuple[int, int]


def position(cursor: str) -> Position:
    """The place of an event in the log; later events have greater ones. Raises :class:`InvalidCursor`."""
    if CURSOR.fullmatch(cursor):
        milliseconds, sequence = map(int, cursor.split("-"))
        if max(milliseconds, sequence) < LARGEST:
            return milliseconds, sequence
    raise InvalidCursor(f"not a cursor: {cursor[:50]!r}")
