"""A full database: nothing is half written, no caller waits for ever, and it recovers when there is space."""

import asyncio
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import pytest

from storage.accounts.models import Account
from storage.database.connection import atomically
from storage.errors import NoSpace
from storage.uploads.models import Chunk
from tests.storage.rows import ROOT, filled_indexes, new_account, new_upload, receive
from tests.support.faults.disk import database_ends_here, on_a_small_disk

pytestmark = pytest.mark.sqlite

PATIENCE_SECONDS = 30
#: Fills the disk between receipts, so that a commit finds it full.
ON_A_SMALL_DISK = """
import asyncio, sys
from pathlib import Path
from storage.database.connection import close_database, migrate, open_database
from storage.errors import NoSpace
from storage.uploads.models import Chunk
from tests.storage.rows import new_account, new_upload, receive
from tests.support.faults.disk import fill

async def main(folder):
    url = f"sqlite://{folder / 'x.sqlite3'}"
    await migrate(url)
    await open_database(url)
    upload = await new_upload(chunks=5_000)
    fill(folder / "filler")
    acknowledged = []
    try:
        for index in range(upload.chunk_count):
            await receive(upload, index)
            acknowledged.append(index)
    except NoSpace:
        print("full", flush=True)
    for _ in range(3):
        try:
            await new_account()
        except NoSpace:
            print("still full", flush=True)
    stored = [row.index for row in await Chunk.all().order_by("index")]
    assert stored == acknowledged, (stored, acknowledged)
    (folder / "filler").unlink()
    await receive(upload, len(acknowledged))
    assert await Chunk.all().count() == len(acknowledged) + 1
    print("goes on", flush=True)
    await close_database()

asyncio.run(main(Path(sys.argv[1])))
"""


async def fill_up() -> None:
    """Store accounts until the disk is full."""
    while True:
        await new_account(uuid4().hex)


async def test_a_write_without_space_says_so_and_the_next_one_with_space_is_stored(database: str) -> None:
    async with database_ends_here():
        with pytest.raises(NoSpace):
            await fill_up()
        before = await Account.all().count()
    await new_account("ada")
    assert await Account.all().count() == before + 1


async def test_a_transaction_without_space_leaves_nothing_and_blocks_no_other_caller(database: str) -> None:
    async def work() -> None:
        await Account.all().update(name="changed")
        await fill_up()

    await new_account("ada")
    async with asyncio.timeout(PATIENCE_SECONDS), database_ends_here():
        for _ in range(3):
            with pytest.raises(NoSpace):
                await atomically(work)
        assert [account.name for account in await Account.all()] == ["ada"]
    await new_account("grace")


async def test_a_receipt_without_space_leaves_its_slot_open_and_every_other_one_true(database: str) -> None:
    upload, acknowledged = await new_upload(chunks=500), []
    async with database_ends_here():
        with suppress(NoSpace):
            for index in range(upload.chunk_count):
                await receive(upload, index)
                acknowledged.append(index)
        assert len(acknowledged) < upload.chunk_count
        assert await filled_indexes(upload.id) == acknowledged
    await receive(upload, len(acknowledged))
    assert await Chunk.all().count() == len(acknowledged) + 1


def test_a_commit_that_finds_a_real_disk_full_is_taken_back(tmp_path: Path) -> None:
    command = [*on_a_small_disk(tmp_path, 4096), sys.executable, "-c", ON_A_SMALL_DISK, str(tmp_path)]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert result.stdout.splitlines() == ["full", "still full", "still full", "still full", "goes on"], result
