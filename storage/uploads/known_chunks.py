"""Chunks of an account's stored files, found by their SHA-256, so that they need not be sent again."""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from storage.database.connection import fetch
from storage.database.values import marks, parts

#: SQLite accepts at least 999 values in one statement.
BATCH = 500
FIND = """
SELECT chunk.sha256, chunk.size, chunk.xxh3, chunk."index" * upload.chunk_size, blob.key
FROM chunk JOIN upload ON upload.id = chunk.upload_id JOIN file_version ON file_version.id = upload.version_id
JOIN blob ON blob.id = file_version.blob_id
WHERE upload.account_id = ? AND chunk.sha256 IN ({})"""


@dataclass(frozen=True)
class KnownChunk:
    """The place of a chunk: ``size`` bytes from ``offset`` on in the blob ``key``, with these digests in hex."""

    sha256: str
    size: int
    xxh3: str | None
    offset: int
    key: str


async def find(account_id: UUID, sha256s: Collection[str]) -> dict[tuple[str, int], KnownChunk]:
    """Chunks of the account's files with one of these digests, by digest and size."""
    chunks: dict[tuple[str, int], KnownChunk] = {}
    for batch in parts(set(sha256s), BATCH):
        for sha256, size, xxh3, offset, key in await fetch(FIND.format(marks(batch)), account_id, *batch):
            chunks[sha256, size] = KnownChunk(sha256, size, xxh3, offset, key)
    return chunks
