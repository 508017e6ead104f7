"""The storage that every account uses. It reads whole tables: it is for the command line."""

from typing import Any
from uuid import UUID

from storage.database.connection import as_uuid, fetch

#: As :func:`storage.uploads.usage.measure`: a blob that several files share counts once.
ORIGINALS = """
SELECT account_id, SUM(size) FROM (
    SELECT DISTINCT file.account_id, blob.id, blob.size FROM file JOIN blob ON blob.id = file.blob_id
) AS stored GROUP BY account_id"""
DERIVED = """
SELECT account_id, SUM(size) FROM (
    SELECT DISTINCT file.account_id, blob.id, blob.size
    FROM rendition JOIN file ON file.id = rendition.file_id JOIN blob ON blob.id = rendition.blob_id
) AS stored GROUP BY account_id"""


async def used_bytes() -> dict[UUID, int]:
    """The stored bytes of each account that has files."""
    used: dict[UUID, int] = {}
    for statement in (ORIGINALS, DERIVED):
        rows: Any = await fetch(statement)
        for key, size in rows:
            account_id = as_uuid(key)
            used[account_id] = used.get(account_id, 0) + int(size)
    return used
