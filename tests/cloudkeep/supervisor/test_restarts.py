"""Replacing a child process without an interruption."""

import asyncio
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

import psutil
import pytest

from cloudkeep.supervisor import process
from cloudkeep.supervisor.process import ChildProcess, ProcessSpec
from cloudkeep.supervisor.restarts import ManagedProcess, ReplacementFailed, restart_forever
from tests.support.waiting import eventually

#: A child that creates a file when it is ready, and ends after SIGUSR1 as soon as the test allows it.
PROGRAM = """
import os, pathlib, signal, sys, time
folder, pipe = pathlib.Path(sys.argv[1]), int(sys.argv[-1])
if (folder / "broken").exists(): sys.exit(1)
if (folder / "hung").exists():
    (folder / "hanging").touch()
    time.sleep(600)
signals = []
signal.signal(signal.SIGUSR1, lambda *_: signals.append(1))
(folder / str(os.getpid())).touch()
os.write(pipe, b".")
while not signals or not (folder / "end").exists(): time.sleep(0.01)
(folder / f"{os.getpid()}.ended").touch()
"""


def child_of(folder: Path) -> ManagedProcess:
    command = (sys.executable, "-c", PROGRAM, str(folder))
    return ManagedProcess(ProcessSpec("child", command, heartbeat_timeout=60, retire_signal=signal.SIGUSR1), os.environ)


def living(folder: Path) -> set[int]:
    return {int(path.name) for path in folder.iterdir() if path.name.isdigit() and psutil.pid_exists(int(path.name))}


async def test_a_replaced_child_finishes_its_work_after_its_successor_is_ready(tmp_path: Path) -> None:
    child = child_of(tmp_path)
    restarts_task = asyncio.create_task(restart_forever(child))

    async def one() -> bool:
        return len(living(tmp_path)) == 1

    await eventually(one)
    (old,) = living(tmp_path)
    await child.replace(60)
    (new,) = living(tmp_path) - {old}
    assert psutil.pid_exists(old)
    (tmp_path / "end").touch()
    await eventually(one)
    assert living(tmp_path) == {new}
    assert (tmp_path / f"{old}.ended").exists()
    # From now on, the supervisor restarts the new child.
    psutil.Process(new).kill()

    async def another() -> bool:
        return bool(living(tmp_path) - {old, new})

    await eventually(another)
    restarts_task.cancel()
    await child.stop(0)
    assert not living(tmp_path)


async def test_a_child_that_ends_while_its_successor_starts_leaves_no_stray_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    child, start, started = child_of(tmp_path), ChildProcess.start, list[ChildProcess]()
    restarting = asyncio.Event()

    async def start_in_turn(spec: ProcessSpec, environment: Mapping[str, str]) -> ChildProcess:
        started.append(await start(spec, environment))
        if len(started) == 2:
            started[0].kill()
            await restarting.wait()
            return started[1]
        if len(started) == 3:
            restarting.set()
            await started[1].ready.wait()
            # Wait until the successor has replaced the child.
            for _ in range(20):
                await asyncio.sleep(0)
        return started[-1]

    monkeypatch.setattr(ChildProcess, "start", start_in_turn)
    restarts_task = asyncio.create_task(restart_forever(child))

    async def there() -> bool:
        return bool(living(tmp_path))

    await eventually(there)
    await child.replace(60)
    restarts_task.cancel()
    await child.stop(0)
    assert (len(started), living(tmp_path)) == (3, set())


async def test_a_successor_that_does_not_start_changes_nothing(tmp_path: Path) -> None:
    child = child_of(tmp_path)
    await child.start()

    async def there() -> bool:
        return bool(living(tmp_path))

    await eventually(there)
    before = living(tmp_path)
    (tmp_path / "broken").touch()
    with pytest.raises(ReplacementFailed):
        await child.replace(60)
    assert living(tmp_path) == before
    await child.stop(0)


async def test_a_successor_that_hangs_before_it_is_ready_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "MAX_SILENT_POLLS_AT_START", 1)
    child = child_of(tmp_path)
    await child.start()

    async def there() -> bool:
        return bool(living(tmp_path))

    await eventually(there)
    before = living(tmp_path)
    (tmp_path / "hung").touch()
    with pytest.raises(ReplacementFailed, match="child: the successor was ended by SIGABRT before it was ready"):
        await child.replace(60)
    assert living(tmp_path) == before
    await child.stop(0)


async def test_a_child_that_hangs_at_its_start_is_restarted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "MAX_SILENT_POLLS_AT_START", 1)
    (tmp_path / "hung").touch()
    child = child_of(tmp_path)
    restarting = asyncio.create_task(restart_forever(child))

    async def hanging() -> bool:
        return (tmp_path / "hanging").exists()

    await eventually(hanging)
    (tmp_path / "hung").unlink()

    async def there() -> bool:
        return bool(living(tmp_path))

    await eventually(there)
    restarting.cancel()
    await child.stop(0)


async def test_a_replaced_child_that_does_not_end_in_time_is_killed(tmp_path: Path) -> None:
    child = child_of(tmp_path)
    await child.start()

    async def there() -> bool:
        return bool(living(tmp_path))

    await eventually(there)
    (old,) = living(tmp_path)
    await child.replace(0.1)

    async def gone() -> bool:
        return old not in living(tmp_path)

    await eventually(gone)
    await child.stop(0)
