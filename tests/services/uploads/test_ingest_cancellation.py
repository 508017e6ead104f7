"""A sender that is cancelled while its receipt is being stored keeps its slot until that has ended."""

import asyncio
from uuid import UUID

import pytest

from services.uploads.errors import SlotBusy, SlotConflict
from services.uploads.ingest import slot_authorization
from storage.uploads import receipts
from storage.uploads.models import Chunk, Upload
from tests.services.conftest import SENDER, Bench, a_file
from tests.support.backends.blocked_writes import blocked_writes
from tests.support.server import digest

SIZE = 65_536
FIRST, OTHER = b"1" * SIZE, b"2" * SIZE


class Sending:
    """A sender whose receipt waits for the database."""

    def __init__(self, bench: Bench, upload: Upload, monkeypatch: pytest.MonkeyPatch) -> None:
        self._storing = asyncio.Event()
        add = receipts.add

        async def add_and_tell(*arguments: object) -> receipts.Accepted:
            self._storing.set()
            return await add(*arguments)  # type: ignore[arg-type]

        monkeypatch.setattr(receipts, "add", add_and_tell)
        self.task = asyncio.create_task(send(bench, upload, FIRST))

    async def cancel(self, times: int = 1) -> None:
        """Cancel the sender once the database has got its receipt."""
        await self._storing.wait()
        for _ in range(times):
            await asyncio.sleep(0.1)
            self.task.cancel()
        await asyncio.sleep(0.1)


async def send(bench: Bench, upload: Upload, body: bytes) -> None:
    async with bench.ingest.open(slot_authorization(upload, 0), SENDER) as sink:
        await sink.write([body])
        await sink.commit(None)


async def stored_bytes(bench: Bench, upload: Upload) -> bytes:
    blocks: list[bytes] = []
    await bench.store.scan(upload.staging_area, 0, SIZE, lambda block: blocks.append(bytes(block)))
    return b"".join(blocks)


@pytest.mark.parametrize("size", [SIZE, SIZE + 1], ids=["last", "not last"])
@pytest.mark.parametrize("times", [1, 2], ids=["once", "twice"])
async def test_no_sender_overwrites_bytes_whose_receipt_is_being_stored(
    bench: Bench, ada: UUID, database: str, monkeypatch: pytest.MonkeyPatch, size: int, times: int
) -> None:
    upload = await bench.uploads.init(ada, a_file(size))
    async with blocked_writes(database):
        sending = Sending(bench, upload, monkeypatch)
        await sending.cancel(times)
        with pytest.raises(SlotBusy):
            async with bench.ingest.open(slot_authorization(upload, 0), SENDER):
                pass
    with pytest.raises(asyncio.CancelledError):
        await sending.task
    assert [chunk.sha256 for chunk in await Chunk.all()] == [digest(FIRST)]
    assert await stored_bytes(bench, upload) == FIRST
    with pytest.raises(SlotConflict):
        await send(bench, upload, OTHER)
