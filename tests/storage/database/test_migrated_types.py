"""Files of an older release, whose media types came from names alone."""

from pathlib import Path
from uuid import uuid4

from storage.database.connection import close_database, execute_many, fetch, migrate, open_database
from tests.storage.database.test_migrations import ACCOUNT, BLOB, FILE, NEWEST_OF_0_1, fill
from tests.storage.rows import NOW
from tests.support.backends.databases import Databases

MEDIA = '{"container": "mpegts", "video_codec": "h264"}'
#: Name, type in the release, media facts; then the type and the kind that the file gets.
FILES = [
    ("clip.ts", "text/vnd.trolltech.linguist", MEDIA, "video/mp2t", "VIDEO"),
    ("german.ts", "text/vnd.trolltech.linguist", None, "text/vnd.trolltech.linguist", "DOCUMENT"),
    ("clip.mts", "model/vnd.mts", MEDIA, "video/mp2t", "VIDEO"),
    ("CLIP.M2TS", "application/octet-stream", MEDIA, "video/mp2t", "VIDEO"),
    ("clip.mp4.gz", "video/mp4", None, "application/gzip", "ARCHIVE"),
    ("logo.SVGZ", "image/svg+xml", None, "application/gzip", "ARCHIVE"),
    ("clip.mp4.xz", "video/mp4", None, "application/x-xz", "ARCHIVE"),
    ("notes.txt", "text/plain", None, "text/plain", "DOCUMENT"),
    ("clip.mp4", "video/mp4", MEDIA, "video/mp4", "VIDEO"),
    ("data", "application/octet-stream", None, "application/octet-stream", "OTHER"),
]
ADD = "INSERT INTO file (id, account_id, name, mime_type, blob_id, media, created_at) VALUES (?, ?, ?, ?, ?, ?, ?)"
TYPES = """
SELECT item.name, file_version.mime_type, item.file_kind
FROM file_version JOIN item ON item.version_id = file_version.id WHERE item.id <> ?"""


async def test_types_that_were_wrong_are_corrected(databases: Databases, tmp_path: Path) -> None:
    """Those of camera videos and compressed files; all others stay as they are."""
    url = await databases.empty(tmp_path)
    await migrate(url, NEWEST_OF_0_1)
    await fill(url)
    await open_database(url)
    await execute_many(ADD, [(uuid4(), ACCOUNT, name, mime, BLOB, media, NOW) for name, mime, media, _, _ in FILES])
    await close_database()
    await migrate(url)
    await open_database(url)
    try:
        found = sorted(tuple(row) for row in await fetch(TYPES, FILE))
        assert found == sorted((name, mime_type, kind) for name, _, _, mime_type, kind in FILES)
    finally:
        await close_database()
        await databases.drop(url)
