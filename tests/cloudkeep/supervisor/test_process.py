"""One process of the supervisor's: signs of life, and their absence."""

import asyncio
import logging
import os
import signal
import sys
import time

import pytest

from cloudkeep.supervisor.process import ChildProcess, ProcessSpec

PROGRAM = """
import faulthandler, os, signal, sys, time
faulthandler.enable()
pipe = int(sys.argv[-1])
if "deaf" in sys.argv: signal.signal(signal.SIGTERM, signal.SIG_IGN)
if "slow" in sys.argv: time.sleep(1)
for _ in range(100000):
    os.write(pipe, b".")
    if "mute" in sys.argv: time.sleep(600)
    time.sleep(0.02)
"""


async def life(*how: str, patience: float) -> ChildProcess:
    return await ChildProcess.begin(
        ProcessSpec("child", (sys.executable, "-c", PROGRAM, *how), patience=patience), os.environ
    )


def let_time_pass(seconds: float) -> None:
    """And do nothing else meanwhile, not even in the event loop."""
    time.sleep(seconds)


async def test_a_process_is_ready_with_its_first_sign_of_life_however_long_that_takes() -> None:
    process = await life("slow", patience=0.3)
    async with asyncio.timeout(60):
        await process.ready.wait()
    assert not process.end.done()
    process.kill()
    assert await process.end == -signal.SIGKILL


async def test_a_process_that_stands_still_is_ended_and_says_where_it_stood(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.ERROR)
    process = await life("mute", patience=0.5)
    assert await asyncio.wait_for(process.end, 60) == -signal.SIGABRT
    assert caplog.messages == ["child stands still; ending it by force"]
    assert "<module>" in capfd.readouterr().err


async def test_a_process_that_was_stopped_is_ended_by_force() -> None:
    process = await life(patience=1.0)
    await asyncio.wait_for(process.ready.wait(), 60)
    process._process.send_signal(signal.SIGSTOP)
    assert await asyncio.wait_for(process.end, 60) == -signal.SIGKILL


async def test_time_in_which_the_supervisor_stood_still_as_well_does_not_count() -> None:
    process = await life(patience=1.0)
    await asyncio.wait_for(process.ready.wait(), 60)
    process._process.send_signal(signal.SIGSTOP)
    # As when the machine sleeps: nobody looks for longer than the patience.
    let_time_pass(1.5)
    process._process.send_signal(signal.SIGCONT)
    process.ready.clear()
    await asyncio.wait_for(process.ready.wait(), 60)
    await process.stop(60)
    assert process.end.result() == -signal.SIGTERM


async def test_stopping_ends_even_what_does_not_listen() -> None:
    process = await life("deaf", patience=60)
    await asyncio.wait_for(process.ready.wait(), 60)
    await process.stop(0.1)
    assert process.end.result() == -signal.SIGKILL
