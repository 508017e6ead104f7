"""Files of a drive whose bytes are almost only holes, stored beside a running server."""

import asyncio
import random
import zlib
from pathlib import Path
from uuid import UUID

from services.core.clock import now
from storage.database.connection import atomically, close_database, open_database
from storage.drive import blobs, uploaded_files
from storage.drive.uploaded_files import NewFile
from storage.drive.versions import Content

MIB = 2**20
#: Bytes that are not zero, and how far apart they begin: a part of the zip file at a wrong place is noticed.
MARK, MARK_EVERY = 64 * 1024, 64 * MIB


def add_files(data: Path, account_id: UUID, count: int, size: int) -> None:
    """Add files to the root of a drive. ``data``: the data folder of the server."""
    asyncio.run(_add_files(data, account_id, count, size))


async def _add_files(data: Path, account_id: UUID, count: int, size: int) -> None:
    await open_database(f"sqlite://{data / 'cloudkeep.sqlite3'}")
    try:
        for number in range(count):
            key = f"00000000-0000-7000-8000-{number:012x}"
            await _add_file(account_id, key, size, _write(_path(data, key), number, size))
    finally:
        await close_database()


async def _add_file(account_id: UUID, key: str, size: int, crc32: int) -> None:
    async def work() -> None:
        # No download reads the SHA-256.
        blob = await blobs.add_original(account_id, key=key, size=size, sha256="0" * 64, crc32=crc32)
        content = Content(blob, "application/octet-stream", None)
        await uploaded_files.add_all(account_id, [NewFile(None, f"{key}.bin", content)], now())

    await atomically(work)


def _path(data: Path, key: str) -> Path:
    path = data / "blobs" / "blobs" / key[-2:] / key[-4:-2] / key
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _write(path: Path, seed: int, size: int) -> int:
    """Write a sparse file. Returns its CRC-32."""
    chance, crc32, zeros = random.Random(seed), 0, bytes(MIB)  # noqa: S311 - only differences matter
    with path.open("wb") as file:
        file.truncate(size)
        for start in range(0, size, MARK_EVERY):
            mark = chance.randbytes(min(MARK, size - start))
            file.seek(start)
            file.write(mark)
            crc32 = zlib.crc32(mark, crc32)
            left = min(MARK_EVERY, size - start) - len(mark)
            while left:
                crc32 = zlib.crc32(zeros[: min(MIB, left)], crc32)
                left -= min(MIB, left)
    return crc32
