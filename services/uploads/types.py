"""The inputs and results of the services of uploads."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from services.media.types import Compression
from storage.drive.tree.placing import ConflictPolicy


@dataclass(frozen=True)
class Slot:
    """A place for one chunk: ``size`` bytes from ``offset`` on."""

    index: int
    offset: int
    size: int
    received: bool


@dataclass(frozen=True)
class Report:
    """A client's report that it stored a chunk in a slot."""

    index: int
    etag: str
    sha256: str


@dataclass(frozen=True)
class NewUpload:
    """A client's description of the file that it wants to send.

    Sizes in bytes; SHA-256 of the file and its chunks in hex.
    """

    file_name: str
    size: int
    mime_type: str | None = None
    sha256: str | None = None
    chunk_size: int | None = None
    chunk_hashes: Sequence[str] | None = None
    compress: Compression | None = None
    idempotency_key: str | None = None
    direct: bool | None = None
    #: The folder for the file, null for the root, and the path of folders below it, which are created.
    parent_id: UUID | None = None
    relative_path: str | None = None
    conflict: ConflictPolicy = ConflictPolicy.KEEP_BOTH
