"""Receipts per second that one process can store in PostgreSQL, each synced to the disk."""

import asyncio
import time
from datetime import timedelta
from uuid import UUID

import psutil
from uuid_utils.compat import uuid7

from bench.growth.figure import Figure
from services.core.clock import now
from storage.accounts.models import Account
from storage.blobs import Digests
from storage.database.connection import close_database, open_database
from storage.uploads import new_uploads, receipts
from storage.uploads.models import Upload
from storage.uploads.new_uploads import Draft

CHUNK = 16 * 2**20
LIFETIME = timedelta(days=1)
#: There is no sign-in.
NONE = "-"


async def measure(url: str, server: int, senders: int, chunks: int) -> list[Figure]:
    """``senders`` uploads in parallel get their receipts one after another; ``server`` is PostgreSQL's process ID."""
    await open_database(url)
    try:
        account = await Account.create(user_id="bench", name="Bench", email="bench@example.org", password_hash=NONE)
        uploads = [await _begun(account.id, chunks + 1) for _ in range(senders)]
        before, own_before, start = _cpu(server), time.process_time(), time.monotonic()
        await asyncio.gather(*(_sent(upload, chunks) for upload in uploads))
        wall, own_seconds, server_seconds = (
            time.monotonic() - start,
            time.process_time() - own_before,
            _cpu(server) - before,
        )
    finally:
        await close_database()
    count = senders * chunks
    return [
        Figure(f"second, {senders} uploads at once", count / wall, "receipts", count),
        Figure("receipt", own_seconds / count * 1e6, "us of the API's processor", count),
        Figure("receipt", server_seconds / count * 1e6, "us of PostgreSQL's processor", count),
    ]


async def _begun(account_id: UUID, chunks: int) -> Upload:
    upload = Upload(
        id=uuid7(),
        account_id=account_id,
        file_name="bench.bin",
        mime_type="application/octet-stream",
        size=chunks * CHUNK,
        chunk_size=CHUNK,
        expires_at=now() + LIFETIME,
    )
    await new_uploads.insert_all(upload.account_id, [Draft(upload)], now())
    return upload


async def _sent(upload: Upload, chunks: int) -> None:
    for index in range(chunks):
        await receipts.slot(upload.id, index)
        await receipts.add(upload, index, Digests("0" * 64, "0" * 32), now(), now() + LIFETIME)


def _cpu(server: int) -> float:
    """Seconds of the server's processes so far."""
    root = psutil.Process(server)
    return sum(sum(process.cpu_times()[:4]) for process in [root, *root.children()])
