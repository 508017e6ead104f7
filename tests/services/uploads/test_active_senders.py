"""The sender that holds a slot, and takeovers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from services.uploads import active_senders
from services.uploads.active_senders import SILENCE_SECONDS, ActiveSenders, never_silent
from services.uploads.errors import SlotBusy, SlotTakenOver

SLOT = ("upload", 0)


class Holding:
    """A request that holds the slot until ``release``; ``seconds`` is how long it has been silent."""

    def __init__(self, senders: ActiveSenders) -> None:
        self.seconds = 0.0
        self.begun = asyncio.Event()
        self.finish = asyncio.Event()
        self._senders = senders

    async def __call__(self) -> str:
        async with self._senders.hold(SLOT, lambda: self.seconds):
            self.begun.set()
            await self.finish.wait()
        return "finished"


@asynccontextmanager
async def held(senders: ActiveSenders, silent: float = 0.0) -> AsyncIterator[tuple[Holding, asyncio.Task[str]]]:
    """A request that holds the slot and has been silent for so long."""
    holding = Holding(senders)
    task = asyncio.create_task(holding())
    await holding.begun.wait()
    holding.seconds = silent
    try:
        yield holding, task
    finally:
        holding.finish.set()
        await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
def senders() -> ActiveSenders:
    return ActiveSenders()


async def test_a_holder_that_sends_keeps_its_slot(senders: ActiveSenders) -> None:
    async with held(senders, SILENCE_SECONDS - 0.1) as (holding, task):
        with pytest.raises(SlotBusy):
            await Holding(senders)()
        holding.finish.set()
        assert await task == "finished"


async def test_a_silent_holder_has_left_before_its_successor_begins(senders: ActiveSenders) -> None:
    async with held(senders, SILENCE_SECONDS) as (_, old), held(senders):
        assert old.done()
        with pytest.raises(SlotTakenOver):
            await old


async def test_a_slot_that_was_left_is_free(senders: ActiveSenders) -> None:
    async with held(senders):
        pass
    async with senders.hold(SLOT, never_silent):
        pass


async def test_another_slot_is_free(senders: ActiveSenders) -> None:
    async with held(senders), senders.hold(("upload", 1), never_silent):
        pass


async def test_of_several_successors_one_gets_the_slot(senders: ActiveSenders) -> None:
    async with held(senders, SILENCE_SECONDS):
        new = [Holding(senders) for _ in range(3)]
        tasks = [asyncio.create_task(one()) for one in new]
        for one in new:
            one.finish.set()
        results = await asyncio.gather(*tasks, return_exceptions=True)
    assert results.count("finished") == 1
    assert [type(result) for result in results if result != "finished"] == [SlotBusy, SlotBusy]


async def test_a_slot_that_changed_hands_does_so_more_and_more_slowly(senders: ActiveSenders) -> None:
    async with held(senders, SILENCE_SECONDS), held(senders, SILENCE_SECONDS) as (second, _):
        with pytest.raises(SlotBusy):
            await Holding(senders)()
        second.seconds = 2 * SILENCE_SECONDS
        async with held(senders, 3 * SILENCE_SECONDS):
            with pytest.raises(SlotBusy):
                await Holding(senders)()


async def test_a_slot_that_was_free_in_between_changes_hands_as_fast_as_at_first(senders: ActiveSenders) -> None:
    async with held(senders, SILENCE_SECONDS), held(senders):
        pass
    async with held(senders, SILENCE_SECONDS), held(senders):
        pass


async def test_a_cancellation_from_elsewhere_stays_a_cancellation(senders: ActiveSenders) -> None:
    async with held(senders) as (_, task):
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_a_server_that_stops_goes_before_a_successor(senders: ActiveSenders) -> None:
    async with held(senders, SILENCE_SECONDS) as (_, old):
        successor = asyncio.create_task(Holding(senders)())
        await asyncio.sleep(0)
        old.cancel()
        with pytest.raises(asyncio.CancelledError):
            await old
        successor.cancel()
        await asyncio.gather(successor, return_exceptions=True)


async def test_a_holder_that_does_not_leave_keeps_its_slot(
    senders: ActiveSenders, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(active_senders, "EVICTION_SECONDS", 0.01)
    busy, begun = asyncio.Event(), asyncio.Event()

    async def stubborn() -> None:
        async with senders.hold(SLOT, lambda: SILENCE_SECONDS):
            try:
                begun.set()
                await busy.wait()
            finally:
                await busy.wait()

    task = asyncio.create_task(stubborn())
    await begun.wait()
    for _ in range(2):
        with pytest.raises(SlotBusy):
            await Holding(senders)()
    busy.set()
    with pytest.raises(SlotTakenOver):
        await task
