"""Periodic tasks: a failure ends none of them, and is logged once for as long as it lasts."""

import asyncio
import logging

import pytest

from tests.support.waiting import eventually
from workers.periodic import PeriodicTask


async def test_a_failure_is_logged_when_it_begins_and_when_it_is_over(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "cloudkeep.worker")
    faults = iter(["away", "away", "still away", None, None])

    async def call_home() -> None:
        if fault := next(faults):
            raise ConnectionError(fault)

    task = PeriodicTask(3600.0, call_home)
    for _ in range(5):
        await task.run_once()
    assert caplog.messages == [
        "call_home failed, retrying: away",
        "call_home failed, retrying: still away",
        "call_home works again",
    ]


async def test_it_continues_after_a_failure() -> None:
    calls: list[int] = []

    async def call_home() -> None:
        calls.append(len(calls))
        raise ConnectionError("away")

    async def often() -> bool:
        return len(calls) > 3

    running = asyncio.create_task(PeriodicTask(0.001, call_home).run())
    await eventually(often)
    running.cancel()
