"""The handle of a staging area on S3: ``KEY:UPLOAD-ID:SLOT-SIZE``, a multipart upload and the size of its parts."""

from dataclasses import dataclass

from storage.errors import BlobNotFound

#: S3 takes parts of 5 MiB to 5 GiB, but for the last one, and 10,000 of them
#: (docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html).
MIN_PART = 5 * 1024 * 1024
MAX_PARTS = 10_000


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

    @classmethod
    def parse(cls, text: str) -> "Handle":
        """Read what ``str`` wrote. Raises :class:`BlobNotFound` for anything else, as another store's handle is."""
        key, _, rest = text.partition(":")
        upload_id, _, slot_size = rest.rpartition(":")
        if not upload_id or not (slot_size.isdigit() or not slot_size):
            raise BlobNotFound("no such staging area")
        return cls(key, upload_id, int(slot_size or 0))
