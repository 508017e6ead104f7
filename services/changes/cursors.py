"""Cursors of the feed: the number of the last change, and a tag that proves it.

A database may be restored from an older copy. Then new changes get the numbers of changes that clients have seen, so a
number alone would hide some of them. The tag is taken from the ID of the event: another event with the same number has
another tag.
"""

import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from dataclasses import dataclass

from services.core.errors import InvalidInput
from storage.events.models import Event

#: A number and 32 bits of the event's ID, in 16 characters of base64url (RFC 4648, section 5) without padding.
FORMAT = struct.Struct(">QI")
TEXT_LENGTH = 16
#: The largest number that a column can have.
LARGEST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class FeedCursor:
    """The position after the change with this number. 0 is before the first change."""

    seq: int = 0
    tag: int = 0

    def __str__(self) -> str:
        """The form that clients see."""
        return urlsafe_b64encode(FORMAT.pack(self.seq, self.tag)).decode()


def cursor_of(event: Event) -> FeedCursor:
    """The position after an event."""
    # The last bits of a UUIDv7 are random (RFC 9562, section 5.7).
    return FeedCursor(event.seq, event.id.int & 0xFFFF_FFFF)


def parse(text: str) -> FeedCursor:
    """The position that a client has sent. Raises :class:`InvalidInput` for text that is not a cursor."""
    try:
        if len(text) == TEXT_LENGTH:
            cursor = FeedCursor(*FORMAT.unpack(urlsafe_b64decode(text)))
            # The decoder skips characters that are not base64.
            if str(cursor) == text and cursor.seq <= LARGEST and (cursor.seq or not cursor.tag):
                return cursor
    except (Base64Error, ValueError, struct.error):
        pass
    raise InvalidInput("This cursor was not made by this server.", field="after")
