"""The handle of a staging area on S3: ``KEY:UPLOAD-ID:SLOT-SIZE``, a multipart upload and the size of its parts.

When slots are reopened after they were sealed, the upload continues under another key: the first key, a dot, and eight
hex digits. Two digits count the reopenings, six are random. Once a row names such a key, an object with a lower count
was never published and never will be, even if a worker still works on it.
"""

from dataclasses import dataclass
from uuid import uuid4

from storage.errors import BlobNotFound

#: S3 accepts parts of 5 MiB to 5 GiB (the last may be smaller), and up to 10,000 of them
#: (docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html).
MIN_PART = 5 * 1024 * 1024
MAX_PARTS = 10_000
#: The maximum of the count. Beyond it, an operator must delete older objects.
MOST_COUNTED = 255


@dataclass(frozen=True)
class StagingHandle:
    """A multipart upload. In a listing, the ``slot_size`` is 0, because S3 does not list it."""

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
        """The first key, which is the prefix of all later ones."""
        return self.key.partition(".")[0]

    def next_key(self) -> str:
        """A new key, under which the upload can continue."""
        return f"{self.original}.{min(reopen_count(self.key) + 1, MOST_COUNTED):02x}{uuid4().hex[:6]}"

    def follows(self, key: str) -> bool:
        """Whether ``key`` is an earlier one of the same staging area."""
        return key.partition(".")[0] == self.original and reopen_count(key) < reopen_count(self.key)

    @classmethod
    def parse(cls, text: str) -> "StagingHandle":
        """Parse the result of ``str``. Raises :class:`BlobNotFound` for other text, such as another store's handle."""
        key, _, rest = text.partition(":")
        upload_id, _, slot_size = rest.rpartition(":")
        if not upload_id or not (slot_size.isdigit() or not slot_size):
            raise BlobNotFound("no such staging area")
        return cls(key, upload_id, int(slot_size or 0))


def reopen_count(key: str) -> int:
    """The number of times that slots had been reopened before this key was made."""
    digits = key.partition(".")[2][:2]
    try:
        return int(digits or "0", 16)
    except ValueError:
        return MOST_COUNTED
