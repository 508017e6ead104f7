"""Work that goes on after a response."""

import asyncio
import logging

import pytest

from services.core.background import BackgroundFull, BackgroundWork


async def test_work_runs_after_the_caller_has_gone_on() -> None:
    background, done = BackgroundWork(pause=0), asyncio.Event()

    async def work() -> None:
        done.set()

    background.start(work)
    assert not done.is_set()
    async with asyncio.timeout(60):
        await done.wait()
    await background.close()


async def test_no_more_than_the_limit_waits_and_there_is_room_again_later() -> None:
    background, go_on = BackgroundWork(limit=2, pause=0), asyncio.Event()

    async def work() -> None:
        await go_on.wait()

    for _ in range(2):
        background.start(work)
    with pytest.raises(BackgroundFull):
        background.start(work)
    go_on.set()
    await background.close()
    background.start(work)
    await background.close()


async def test_an_error_is_logged_and_ends_only_its_own_work(caplog: pytest.LogCaptureFixture) -> None:
    background, done = BackgroundWork(pause=0), asyncio.Event()

    async def fail() -> None:
        raise ZeroDivisionError

    async def work() -> None:
        done.set()

    with caplog.at_level(logging.ERROR, "cloudkeep.background"):
        background.start(fail)
        background.start(work)
        await background.close()
    assert done.is_set()
    assert [record.exc_info[0] for record in caplog.records if record.exc_info] == [ZeroDivisionError]


async def test_work_that_never_ends_is_cancelled_at_the_close(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.core.background.CLOSE_SECONDS", 0.01)
    background, cancelled = BackgroundWork(pause=0), asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    background.start(work)
    await background.close()
    assert cancelled.is_set()
