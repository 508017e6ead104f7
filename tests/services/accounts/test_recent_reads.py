"""What the database has said about credentials within the last two seconds."""

import asyncio
from collections.abc import Mapping, Sequence

import pytest

from services.accounts.recent_reads import BATCH, RecentReads
from storage.errors import DatabaseUnavailable


class Source:
    """Values by key, and the keys of every query. Queries wait while ``gate`` is closed."""

    def __init__(self, **values: int) -> None:
        self.values = dict(values)
        self.queries: list[list[str]] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.error: Exception | None = None

    async def read(self, keys: Sequence[str]) -> Mapping[str, int]:
        self.queries.append(list(keys))
        values = dict(self.values)
        await self.gate.wait()
        if self.error:
            raise self.error
        return {key: values[key] for key in keys if key in values}


async def test_a_key_is_read_once_within_its_life() -> None:
    source = Source(a=1)
    reads = RecentReads(source.read, life=60)
    assert [await reads.get("a") for _ in range(3)] == [1, 1, 1]
    assert source.queries == [["a"]]


async def test_a_key_is_read_again_after_its_life() -> None:
    source = Source(a=1)
    reads = RecentReads(source.read, life=0)
    assert await reads.get("a") == 1
    source.values.clear()
    assert await reads.get("a") is None


async def test_a_key_without_a_value_is_remembered_as_well() -> None:
    source = Source()
    reads = RecentReads(source.read, life=60)
    assert [await reads.get("a") for _ in range(3)] == [None] * 3
    assert source.queries == [["a"]]


async def test_keys_that_are_needed_at_the_same_time_share_few_queries() -> None:
    source = Source()
    source.gate.clear()
    reads = RecentReads(source.read)
    waiting = [asyncio.create_task(reads.get(str(number))) for number in range(2 * BATCH)]
    while not source.queries:
        await asyncio.sleep(0)
    source.gate.set()
    await asyncio.gather(*waiting)
    assert max(map(len, source.queries)) == BATCH
    assert len(source.queries) <= 3


async def test_only_one_query_runs_at_a_time() -> None:
    source = Source(a=1, b=2)
    source.gate.clear()
    reads = RecentReads(source.read)
    first = asyncio.create_task(reads.get("a"))
    while not source.queries:
        await asyncio.sleep(0)
    second = asyncio.create_task(reads.get("b"))
    for _ in range(10):
        await asyncio.sleep(0)
    assert source.queries == [["a"]]
    source.gate.set()
    assert (await first, await second) == (1, 2)


async def test_a_key_that_is_forgotten_while_it_is_read_is_read_again() -> None:
    source = Source(a=1)
    source.gate.clear()
    reads = RecentReads(source.read, life=60)
    before = asyncio.create_task(reads.get("a"))
    while not source.queries:
        await asyncio.sleep(0)
    source.values["a"] = 2
    reads.forget("a")
    source.gate.set()
    assert await before == 1
    assert await reads.get("a") == 2


async def test_a_failure_reaches_every_caller_and_is_not_remembered() -> None:
    source = Source(a=1)
    source.error = DatabaseUnavailable("away")
    reads = RecentReads(source.read, life=60)
    results = await asyncio.gather(*(reads.get("a") for _ in range(3)), return_exceptions=True)
    assert [type(result) for result in results] == [DatabaseUnavailable] * 3
    source.error = None
    assert await reads.get("a") == 1


async def test_a_caller_that_is_cancelled_does_not_disturb_the_others() -> None:
    source = Source(a=1)
    source.gate.clear()
    reads = RecentReads(source.read)
    one, other = asyncio.create_task(reads.get("a")), asyncio.create_task(reads.get("a"))
    while not source.queries:
        await asyncio.sleep(0)
    one.cancel()
    with pytest.raises(asyncio.CancelledError):
        await one
    source.gate.set()
    assert await other == 1


async def test_invented_keys_do_not_use_more_and_more_memory() -> None:
    source = Source(a=1)
    reads = RecentReads(source.read, life=60, max_entries=10)
    for number in range(100):
        await reads.get(str(number))
    assert len(reads._entries) == 10
    assert not reads._waiting


async def test_a_caller_that_waits_for_its_query_is_answered_if_the_key_is_forgotten_meanwhile() -> None:
    source = Source(a=1, b=2)
    source.gate.clear()
    reads = RecentReads(source.read)
    running = asyncio.create_task(reads.get("b"))
    while not source.queries:
        await asyncio.sleep(0)
    waiting = asyncio.create_task(reads.get("a"))
    await asyncio.sleep(0)
    del source.values["a"]
    reads.forget("a")
    source.gate.set()
    async with asyncio.timeout(30):
        assert [await running, await waiting] == [2, None]
