"""The price of a chunk for its owner: every received byte, and no other."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from services.budgets.budgets import Budgets, Limit, Limits, Payer
from services.budgets.errors import RateLimited
from services.budgets.limit_overrides import LimitOverrides
from services.core.clock import now
from services.core.errors import NotFound
from services.uploads.errors import ChecksumMismatch, SlotBusy, SlotConflict, SlotTakenOver
from services.uploads.ingest import CHUNK_POINTS, Ingest, slot_authorization
from storage.budgets import limit_overrides
from storage.budgets.models import GrantKind
from storage.token_buckets import LocalBuckets
from storage.uploads.models import Upload
from tests.services.conftest import SENDER, Bench, a_file

SIZE = 65_536
CONTENT = bytes(range(256)) * 256
CAPACITY = 3 * SIZE
#: Too slow for a test to notice.
REFILL = 1e-6
LIMITS = Limits(
    all=None, address=Limit(1000, REFILL), account=Limit(100, REFILL), anonymous=None, ingest=Limit(CAPACITY, REFILL)
)


@pytest.fixture
def bench(bench: Bench) -> Bench:
    """The services with a small budget."""
    budgets = Budgets(LIMITS, LocalBuckets(), LocalBuckets(), LimitOverrides())
    ingest = Ingest(bench.store, bench.progress, bench.notifications, budgets, timedelta(hours=1))
    return replace(bench, budgets=budgets, ingest=ingest)


@pytest.fixture
async def upload(bench: Bench, ada: UUID) -> Upload:
    return await bench.uploads.init(ada, a_file(5 * SIZE))


async def send(bench: Bench, upload: Upload, index: int, content: bytes = CONTENT, sha256: str | None = None) -> None:
    async with bench.ingest.open(slot_authorization(upload, index), SENDER) as sink:
        await sink.write([content])
        await sink.commit(sha256)


async def left(bench: Bench, owner: UUID) -> tuple[int, int]:
    """The bytes and points left in the owner's budget."""
    found = {status.layer: status.available for status in await bench.budgets.read_layers(Payer(SENDER, owner))}
    return found["ingest"], found["account"]


async def test_a_chunk_costs_its_owner_its_bytes_and_a_point(bench: Bench, upload: Upload, ada: UUID) -> None:
    await send(bench, upload, 0)
    assert await left(bench, ada) == (CAPACITY - SIZE, 100 - CHUNK_POINTS)
    (address, *_) = await bench.budgets.read_layers(Payer(SENDER))
    assert address.available == 1000 - CHUNK_POINTS


async def test_a_chunk_beyond_the_budget_is_refused_and_its_slot_stays_open(
    bench: Bench, upload: Upload, bob: UUID
) -> None:
    for index in range(3):
        await send(bench, upload, index)
    with pytest.raises(RateLimited) as refused:
        await send(bench, upload, 3)
    assert refused.value.layer == "ingest"
    await upload.refresh_from_db()
    assert upload.received_chunks == 3
    await send(bench, await bench.uploads.init(bob, a_file(SIZE)), 0)


async def test_a_granted_budget_holds(bench: Bench, upload: Upload, ada: UUID) -> None:
    await limit_overrides.change(ada, {GrantKind.INGEST: (5 * SIZE, REFILL)}, now())
    for index in range(5):
        await send(bench, upload, index)
    assert (await left(bench, ada))[0] == 0


async def test_of_a_chunk_that_is_cut_off_only_what_came_is_paid(bench: Bench, upload: Upload, ada: UUID) -> None:
    async with bench.ingest.open(slot_authorization(upload, 0), SENDER) as sink:
        await sink.write([CONTENT[:1000]])
        assert await left(bench, ada) == (CAPACITY - SIZE, 100 - CHUNK_POINTS)
    assert await left(bench, ada) == (CAPACITY - 1000, 100 - CHUNK_POINTS)


async def test_of_a_chunk_that_is_cancelled_only_what_came_is_paid(bench: Bench, upload: Upload, ada: UUID) -> None:
    async def stall() -> None:
        async with bench.ingest.open(slot_authorization(upload, 0), SENDER) as sink:
            await sink.write([CONTENT[:1000]])
            stalled.set()
            await asyncio.Event().wait()

    stalled = asyncio.Event()
    task = asyncio.create_task(stall())
    await stalled.wait()
    task.cancel()
    await asyncio.wait({task})
    assert (await left(bench, ada))[0] == CAPACITY - 1000


async def test_a_slot_that_is_busy_costs_no_bytes(bench: Bench, upload: Upload, ada: UUID) -> None:
    async with bench.ingest.open(slot_authorization(upload, 0), SENDER):
        with pytest.raises(SlotBusy):
            await send(bench, upload, 0)
        assert await left(bench, ada) == (CAPACITY - SIZE, 100 - 2 * CHUNK_POINTS)


async def test_who_loses_the_slot_pays_for_what_came(bench: Bench, upload: Upload, ada: UUID) -> None:
    async def fall_silent() -> None:
        async with bench.ingest.open(slot_authorization(upload, 0), SENDER, lambda: 3600.0) as sink:
            await sink.write([CONTENT[:1000]])
            silent.set()
            await asyncio.Event().wait()

    silent = asyncio.Event()
    task = asyncio.create_task(fall_silent())
    await silent.wait()
    await send(bench, upload, 0)
    with pytest.raises(SlotTakenOver):
        await task
    assert (await left(bench, ada))[0] == CAPACITY - SIZE - 1000


async def test_a_chunk_that_fails_its_check_was_received_and_is_paid(bench: Bench, upload: Upload, ada: UUID) -> None:
    with pytest.raises(ChecksumMismatch):
        await send(bench, upload, 0, sha256="0" * 64)
    assert (await left(bench, ada))[0] == CAPACITY - SIZE


async def test_a_chunk_that_is_sent_again_is_paid_again(bench: Bench, upload: Upload, ada: UUID) -> None:
    await send(bench, upload, 0)
    await send(bench, upload, 0)
    with pytest.raises(SlotConflict):
        await send(bench, upload, 0, bytes(SIZE))
    assert (await left(bench, ada))[0] == 0


async def test_a_right_to_no_slot_costs_nothing(bench: Bench, upload: Upload, ada: UUID) -> None:
    with pytest.raises(NotFound):
        async with bench.ingest.open(replace(slot_authorization(upload, 0), index=7), SENDER):
            pass
    assert await left(bench, ada) == (CAPACITY, 100)
