"""The handle of a staging area on S3: ``KEY:UPLOAD-ID:SLOT-SIZE``, a multipart upload and the size of its parts.

Slots that are opened again after they were sealed go on under another key: the first one, a dot, and eight hex digits.
Two of them count how often that happened, six are random. Once a row names such a key, whatever has a lower count was
never published and never will be, whoever may still be at it.
"""

from dataclasses import dataclass
from uuid import uuid4

from storage.errors import BlobNotFound

#: S3 takes parts of 5 MiB to 5 GiB, but for the last one, and 10,000 of them
#: (docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html).
MIN_PART = 5 * 1024 * 1024
MAX_PARTS = 10_000
#: From here on the count stands still, and what is left over is for an operator to see.
MOST_COUNTED = 255


@dataclass(frozen=True)
class Handle:
    """A multipart upload. A listing does not know ``slot_size``, which is then 0."""

    key: str
    upload_id: str
    slot_size: int = 0

    def __str__(self) -> str:
        return f"{self.key}:{self.upload_id}:{self.slot_size or ''}"

    def number(self, offset: int) -> int:
        """The part that begins at ``offset``. Parts are counted from 1."""
        return offset // self.slot_size + 1

    @property
    def original(self) -> str:
        """The key that it began with, which is how all those made of it begin."""
        return self.key.partition(".")[0]

    def next_key(self) -> str:
        """A key that nobody has, to go on under."""
        return f"{self.original}.{min(count_of(self.key) + 1, MOST_COUNTED):02x}{uuid4().hex[:6]}"

    def follows(self, key: str) -> bool:
        """Whether another key of the same staging area was given up before this one was begun."""
        return key.partition(".")[0] == self.original and count_of(key) < count_of(self.key)

    @classmethod
    def parse(cls, text: str) -> "Handle":
        """Read what ``str`` wrote. Raises :class:`BlobNotFound` for anything else, as another store's handle is."""
        key, _, rest = text.partition(":")
        upload_id, _, slot_size = rest.rpartition(":")
        if not upload_id or not (slot_size.isdigit() or not slot_size):
            raise BlobNotFound("no such staging area")
        return cls(key, upload_id, int(slot_size or 0))


def count_of(key: str) -> int:
    """How often slots were opened again before this key was begun."""
    digits = key.partition(".")[2][:2]
    try:
        return int(digits or "0", 16)
    except ValueError:
        return MOST_COUNTED
