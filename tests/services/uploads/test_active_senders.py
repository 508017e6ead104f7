"""Who holds a slot, and who loses it to whom."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from services.uploads import active_senders as active_senders
from services.uploads.active_senders import SILENCE_SECONDS, SlotHolders, never_silent
from services.uploads.errors import SlotBusy, SlotTakenOver

SLOT = ("upload", 0)


class Holding:
    """A request that holds the slot until it is told to let go; ``seconds`` is how long it has been silent."""

    def __init__(self, holders: SlotHolders) -> None:
        self.seconds = 0.0
        self.begun = asyncio.Event()
        self.finish = asyncio.Event()
        self._holders = holders

    async def __call__(self) -> str:
        async with self._holders.hold(SLOT, lambda: self.seconds):
            self.begun.set()
            await self.finish.wait()
        return "finished"


@asynccontextmanager
async def held(holders: SlotHolders, silent: float = 0.0) -> AsyncIterator[tuple[Holding, asyncio.Task[str]]]:
    """A request that holds the slot and has been silent for so long."""
    holding = Holding(holders)
    task = asyncio.create_task(holding())
    await holding.begun.wait()
    holding.seconds = silent
    try:
        yield holding, task
    finally:
        holding.finish.set()
        await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
def holders() -> SlotHolders:
    return SlotHolders()


async def test_a_holder_that_sends_keeps_its_slot(holders: SlotHolders) -> None:
    async with held(holders, SILENCE_SECONDS - 0.1) as (holding, task):
        with pytest.raises(SlotBusy):
            await Holding(holders)()
        holding.finish.set()
        assert await task == "finished"


async def test_a_silent_holder_has_left_before_its_successor_begins(holders: SlotHolders) -> None:
    async with held(holders, SILENCE_SECONDS) as (_, old), held(holders):
        assert old.done()
        with pytest.raises(SlotTakenOver):
            await old


async def test_a_slot_that_was_left_is_free(holders: SlotHolders) -> None:
    async with held(holders):
        pass
    async with holders.hold(SLOT, never_silent):
        pass


async def test_another_slot_is_free(holders: SlotHolders) -> None:
    async with held(holders), holders.hold(("upload", 1), never_silent):
        pass


async def test_of_several_successors_one_gets_the_slot(holders: SlotHolders) -> None:
    async with held(holders, SILENCE_SECONDS):
        new = [Holding(holders) for _ in range(3)]
        tasks = [asyncio.create_task(one()) for one in new]
        for one in new:
            one.finish.set()
        results = await asyncio.gather(*tasks, return_exceptions=True)
    assert results.count("finished") == 1
    assert [type(result) for result in results if result != "finished"] == [SlotBusy, SlotBusy]


async def test_a_slot_that_changed_hands_does_so_more_and_more_slowly(holders: SlotHolders) -> None:
    async with held(holders, SILENCE_SECONDS), held(holders, SILENCE_SECONDS) as (second, _):
        with pytest.raises(SlotBusy):
            await Holding(holders)()
        second.seconds = 2 * SILENCE_SECONDS
        async with held(holders, 3 * SILENCE_SECONDS):
            with pytest.raises(SlotBusy):
                await Holding(holders)()


async def test_a_slot_that_was_free_in_between_changes_hands_as_fast_as_at_first(holders: SlotHolders) -> None:
    async with held(holders, SILENCE_SECONDS), held(holders):
        pass
    async with held(holders, SILENCE_SECONDS), held(holders):
        pass


async def test_a_cancellation_by_somebody_else_stays_one(holders: SlotHolders) -> None:
    async with held(holders) as (_, task):
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_a_server_that_stops_goes_before_a_successor(holders: SlotHolders) -> None:
    async with held(holders, SILENCE_SECONDS) as (_, old):
        successor = asyncio.create_task(Holding(holders)())
        await asyncio.sleep(0)
        old.cancel()
        with pytest.raises(asyncio.CancelledError):
            await old
        successor.cancel()
        await asyncio.gather(successor, return_exceptions=True)


async def test_a_holder_that_does_not_leave_keeps_its_slot(
    holders: SlotHolders, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(active_senders, "LEAVING_SECONDS", 0.01)
    busy, begun = asyncio.Event(), asyncio.Event()

    async def stubborn() -> None:
        async with holders.hold(SLOT, lambda: SILENCE_SECONDS):
            try:
                begun.set()
                await busy.wait()
            finally:
                await busy.wait()

    task = asyncio.create_task(stubborn())
    await begun.wait()
    for _ in range(2):
        with pytest.raises(SlotBusy):
            await Holding(holders)()
    busy.set()
    with pytest.raises(SlotTakenOver):
        await task
