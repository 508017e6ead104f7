"""A child process of the supervisor, with and without heartbeats."""

import asyncio
import logging
import os
import signal
import sys
import time
from functools import partial

import pytest

from cloudkeep.supervisor import process as process_module
from cloudkeep.supervisor.process import ChildProcess, ProcessSpec
from storage.child_process import killed_before_exec

PROGRAM = """
import faulthandler, os, signal, sys, time
faulthandler.enable()
pipe = int(sys.argv[-1])
if "deaf" in sys.argv: signal.signal(signal.SIGTERM, signal.SIG_IGN)
if "hung" in sys.argv: time.sleep(600)
for _ in range(50 if "starting" in sys.argv else 0):
    os.write(pipe, b"s")
    time.sleep(0.02)
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
    """Block the event loop for this time."""
    time.sleep(seconds)


async def test_a_process_is_ready_with_its_first_heartbeat() -> None:
    process = await start(timeout=60)
    await asyncio.wait_for(process.ready.wait(), 60)
    assert not process.exit_code.done()
    process.kill()
    assert await process.exit_code == -signal.SIGKILL


async def test_a_process_may_start_for_as_long_as_it_reports_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process_module, "MAX_SILENT_POLLS_AT_START", 40)
    process = await start("starting", timeout=0.6)
    await asyncio.wait_for(process.ready.wait(), 60)
    assert not process.exit_code.done()
    process.kill()
    await process.exit_code


async def test_a_process_that_hangs_before_its_first_heartbeat_is_killed_and_prints_a_traceback(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.ERROR)
    process = await start("hung", timeout=0.5)
    assert await asyncio.wait_for(process.exit_code, 60) == -signal.SIGABRT
    assert caplog.messages == ["child hangs: it sent no heartbeat in 120 polls while it started; killing it"]
    assert "<module>" in capfd.readouterr().err
    assert not process.ready.is_set()


async def test_a_process_that_hangs_is_killed_and_prints_a_traceback(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.ERROR)
    process = await start("mute", timeout=0.5)
    assert await asyncio.wait_for(process.exit_code, 60) == -signal.SIGABRT
    assert caplog.messages == ["child hangs: it sent no heartbeat in 30 polls; killing it"]
    assert "<module>" in capfd.readouterr().err


async def test_a_process_that_never_executes_its_program_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process_module, "dies_with_parent", lambda: partial(time.sleep, 600))
    monkeypatch.setattr(process_module, "killed_before_exec", partial(killed_before_exec, seconds=0.2))
    process = await asyncio.wait_for(start(timeout=60), 60)
    assert await asyncio.wait_for(process.exit_code, 60) == -signal.SIGKILL


async def test_a_suspended_process_is_killed() -> None:
    process = await start(timeout=1.0)
    await asyncio.wait_for(process.ready.wait(), 60)
    process._process.send_signal(signal.SIGSTOP)
    assert await asyncio.wait_for(process.exit_code, 60) == -signal.SIGKILL


async def test_time_in_which_the_supervisor_was_suspended_does_not_count() -> None:
    process = await start(timeout=1.0)
    await asyncio.wait_for(process.ready.wait(), 60)
    process._process.send_signal(signal.SIGSTOP)
    # As when the machine is suspended: there is no poll for longer than the timeout.
    let_time_pass(1.5)
    process._process.send_signal(signal.SIGCONT)
    process.ready.clear()
    await asyncio.wait_for(process.ready.wait(), 60)
    await process.stop(60)
    assert process.exit_code.result() == -signal.SIGTERM


async def test_stopping_kills_a_process_that_ignores_sigterm() -> None:
    process = await start("deaf", timeout=60)
    await asyncio.wait_for(process.ready.wait(), 60)
    await process.stop(0.1)
    assert process.exit_code.result() == -signal.SIGKILL
