"""Replacing a child without a gap."""

import asyncio
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

import psutil
import pytest

from cloudkeep.supervisor import restarts
from cloudkeep.supervisor.process import ChildProcess, ProcessSpec
from cloudkeep.supervisor.restarts import Child, NotReplaced, keep_running
from tests.support.waiting import eventually

#: Says that it is there in a file of its own, lives until it is told to end, and takes its time then.
PROGRAM = """
import os, pathlib, signal, sys, time
folder, pipe = pathlib.Path(sys.argv[1]), int(sys.argv[-1])
if (folder / "broken").exists(): sys.exit(1)
told = []
signal.signal(signal.SIGUSR1, lambda *_: told.append(1))
(folder / str(os.getpid())).touch()
os.write(pipe, b".")
while not told or not (folder / "end").exists(): time.sleep(0.01)
(folder / f"{os.getpid()}.ended").touch()
"""


def child_of(folder: Path) -> Child:
    command = (sys.executable, "-c", PROGRAM, str(folder))
    return Child(ProcessSpec("child", command, patience=60, retire=signal.SIGUSR1), os.environ)


def living(folder: Path) -> set[int]:
    return {int(path.name) for path in folder.iterdir() if path.name.isdigit() and psutil.pid_exists(int(path.name))}


async def test_a_child_ends_what_is_under_way_after_its_successor_is_there(tmp_path: Path) -> None:
    child = child_of(tmp_path)
    keeping = asyncio.create_task(keep_running(child))

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
    # It is the new one that is kept running now.
    psutil.Process(new).kill()

    async def another() -> bool:
        return bool(living(tmp_path) - {old, new})

    await eventually(another)
    keeping.cancel()
    await child.stop(0)
    assert not living(tmp_path)


async def test_one_that_ends_while_its_successor_starts_leaves_no_process_that_nobody_knows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    child, begin, begun = child_of(tmp_path), ChildProcess.begin, list[ChildProcess]()
    restarting = asyncio.Event()

    async def begin_in_turn(spec: ProcessSpec, environment: Mapping[str, str]) -> ChildProcess:
        begun.append(await begin(spec, environment))
        if len(begun) == 2:
            begun[0].kill()
            await restarting.wait()
            return begun[1]
        if len(begun) == 3:
            restarting.set()
            await begun[1].ready.wait()
            # For the successor to be put in charge.
            for _ in range(20):
                await asyncio.sleep(0)
        return begun[-1]

    monkeypatch.setattr(ChildProcess, "begin", begin_in_turn)
    keeping = asyncio.create_task(keep_running(child))

    async def there() -> bool:
        return bool(living(tmp_path))

    await eventually(there)
    await child.replace(60)
    keeping.cancel()
    await child.stop(0)
    assert (len(begun), living(tmp_path)) == (3, set())


async def test_a_successor_that_does_not_start_changes_nothing(tmp_path: Path) -> None:
    child = child_of(tmp_path)
    await child.start()

    async def there() -> bool:
        return bool(living(tmp_path))

    await eventually(there)
    before = living(tmp_path)
    (tmp_path / "broken").touch()
    with pytest.raises(NotReplaced):
        await child.replace(60)
    assert living(tmp_path) == before
    await child.stop(0)


async def test_one_that_does_not_end_in_time_is_ended_by_force(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(restarts, "READY_SECONDS", 60)
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
