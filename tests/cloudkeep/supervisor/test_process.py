"""One process of the supervisor: heartbeats, and their absence."""

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


async def start(*how: str, timeout: float) -> ChildProcess:
    return await ChildProcess.start(
        ProcessSpec("child", (sys.executable, "-c", PROGRAM, *how), heartbeat_timeout=timeout), os.environ
    )


def let_time_pass(seconds: float) -> None:
    """And do nothing else meanwhile, not even in the event loop."""
    time.sleep(seconds)


async def test_a_process_is_ready_with_its_first_heartbeat_however_long_that_takes() -> None:
    process = await start("slow", timeout=0.3)
    async with asyncio.timeout(60):
        await process.ready.wait()
    assert not process.exit_code.done()
    process.kill()
    assert await process.exit_code == -signal.SIGKILL


async def test_a_process_that_stands_still_is_ended_and_says_where_it_stood(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.ERROR)
    process = await start("mute", timeout=0.5)
    assert await asyncio.wait_for(process.exit_code, 60) == -signal.SIGABRT
    assert caplog.messages == ["child stands still; ending it by force"]
    assert "<module>" in capfd.readouterr().err


async def test_a_process_that_was_stopped_is_ended_by_force() -> None:
    process = await start(timeout=1.0)
    await asyncio.wait_for(process.ready.wait(), 60)
    process._process.send_signal(signal.SIGSTOP)
    assert await asyncio.wait_for(process.exit_code, 60) == -signal.SIGKILL


async def test_time_in_which_the_supervisor_stood_still_as_well_does_not_count() -> None:
    process = await start(timeout=1.0)
    await asyncio.wait_for(process.ready.wait(), 60)
    process._process.send_signal(signal.SIGSTOP)
    # As when the machine sleeps: nothing is polled for longer than the timeout.
    let_time_pass(1.5)
    process._process.send_signal(signal.SIGCONT)
    process.ready.clear()
    await asyncio.wait_for(process.ready.wait(), 60)
    await process.stop(60)
    assert process.exit_code.result() == -signal.SIGTERM


async def test_stopping_ends_even_what_does_not_listen() -> None:
    process = await start("deaf", timeout=60)
    await asyncio.wait_for(process.ready.wait(), 60)
    await process.stop(0.1)
    assert process.exit_code.result() == -signal.SIGKILL
