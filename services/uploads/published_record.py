"""The record that lies beside the bytes of an uploaded file in the store: what they are, and whose.

It is written once the bytes are verified and durable, before they are published. With it, a database that was restored
from an older copy gets the file back.
"""

import json
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime
from typing import Any, Self
from uuid import UUID

from storage.blobs import BlobStore
from storage.drive.tree.placing import ConflictPolicy
from storage.uploads.models import Upload

#: The version of the format. A later one that older code cannot read has a higher number.
VERSION = 1


@dataclass(frozen=True)
class PublishedRecord:
    """A verified file: ``size`` bytes with this SHA-256, in hex.

    ``crc32`` is None in a record that was written before there were zip files.
    ``media`` and ``compress`` are what the columns of file and upload store. ``damaged`` tells that the bytes were
    found to have another digest since. With ``is_shared``, the bytes are those of another file of the same account.
    ``parent_id`` is the folder of the file, null for the root, and ``conflict`` the policy of its upload.
    """

    upload_id: UUID
    account_id: UUID
    file_name: str
    mime_type: str
    size: int
    chunk_size: int
    sha256: str
    media: dict[str, Any] | None
    compress: dict[str, Any] | None
    created_at: datetime
    damaged: bool = False
    is_shared: bool = False
    crc32: int | None = None
    parent_id: UUID | None = None
    conflict: str = ConflictPolicy.KEEP_BOTH

    @classmethod
    def of(
        cls,
        upload: Upload,
        sha256: str,
        media: dict[str, Any] | None,
        *,
        crc32: int | None = None,
        is_shared: bool = False,
    ) -> Self:
        """The record of an upload whose bytes have this digest."""
        return cls(
            upload_id=upload.id,
            account_id=upload.account_id,
            file_name=upload.file_name,
            mime_type=upload.mime_type,
            size=upload.size,
            chunk_size=upload.chunk_size,
            sha256=sha256,
            media=media,
            compress=upload.compress,
            created_at=upload.created_at,
            is_shared=is_shared,
            crc32=crc32,
            parent_id=upload.parent_id,
            conflict=upload.conflict,
        )

    def to_bytes(self) -> bytes:
        """The record as the store keeps it."""
        return json.dumps({"version": VERSION, **asdict(self)}, default=str, sort_keys=True).encode()

    @classmethod
    def from_bytes(cls, content: bytes) -> Self:
        """Parse the result of :meth:`to_bytes`. Raises :class:`ValueError` for anything else.

        Fields that only a later version knows are ignored.
        """
        try:
            stored = json.loads(content)
            if stored.pop("version") != VERSION:
                raise ValueError
            known = {field.name: stored[field.name] for field in fields(cls) if field.name in stored}
            return replace(
                cls(**known),
                upload_id=UUID(stored["upload_id"]),
                account_id=UUID(stored["account_id"]),
                parent_id=UUID(stored["parent_id"]) if stored.get("parent_id") else None,
                created_at=datetime.fromisoformat(stored["created_at"]),
            )
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ValueError(f"not a record of version {VERSION}") from error


async def read_record(store: BlobStore, key: str) -> PublishedRecord | None:
    """The record of a blob; None if it has none that this version can read."""
    content = await store.records.read(key)
    try:
        return PublishedRecord.from_bytes(content) if content else None
    except ValueError:
        return None


async def write_record(store: BlobStore, key: str, record: PublishedRecord) -> None:
    """Durably store the record of a blob. Raises :class:`storage.errors.NoSpace`."""
    await store.records.write(key, record.to_bytes())
