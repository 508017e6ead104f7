"""A name for each worker that no other living one has, and that the one which replaces it finds again.

Jobs are claimed under a name, and whoever starts under it takes up what its last bearer left: two living workers of
one name would take each other's work away. So a name is a locked file in the data folder. The kernel drops the lock
when the process ends, however it ends, also between the containers that share a folder; and two folders never give the
same name, on one host or on two that are called alike, since each of them has an ID of its own.
"""

import fcntl
import itertools
import os
import re
import secrets
import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

#: A worker that has not beaten for so long stands still. It does so every few seconds.
FRESH_SECONDS = 15.0


@dataclass(frozen=True)
class WorkerName:
    """A name that this process holds, and a folder for its bearer's drafts."""

    text: str
    scratch: Path
    _lock: int

    def beat(self) -> None:
        """Show whoever looks at the data folder that this worker works."""
        os.utime(self._lock, (time.time(),) * 2)


@contextmanager
def named(data_dir: Path, base: str | None = None) -> Iterator[WorkerName]:
    """Hold a name for the block: the base, or the first of ``base-2``, ``base-3``, … that nobody holds.

    The base is one for this host and data folder, unless it is given. The scratch folder is empty, and those of names
    that nobody holds any more are gone.
    """
    locks = data_dir / "workers"
    locks.mkdir(mode=0o700, exist_ok=True)
    base = base or _own_base(locks)
    with _looking(locks):
        name, lock = _first_free(locks, base)
    try:
        scratch = data_dir / "scratch" / name
        _clear(scratch, locks, name)
        held = WorkerName(name, scratch, lock)
        held.beat()
        yield held
    finally:
        os.close(lock)


def workers_of(data_dir: Path, base: str | None = None) -> dict[str, float]:
    """The living workers of this host and data folder, by the seconds since they last beat."""
    locks = data_dir / "workers"
    if not locks.is_dir():
        return {}
    base, found = base or _own_base(locks), {}
    with _looking(locks):
        for path in locks.glob("*.lock"):
            if re.fullmatch(rf"{re.escape(base)}(-\d+)?", path.stem) and (beat := _last_beat(path)) is not None:
                found[path.stem] = time.time() - beat
    return found


@contextmanager
def _looking(locks: Path) -> Iterator[None]:
    """Look at names in the block, one process at a time.

    To look at a free name takes its lock for a moment: somebody else would believe that it has a bearer.
    """
    with (locks / "looking").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _own_base(locks: Path) -> str:
    host = re.sub(r"[^A-Za-z0-9._-]", "-", socket.gethostname())[:64]
    return f"{host}-{_folder_id(locks)}"


def _folder_id(locks: Path) -> str:
    with (locks / "id").open("a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        known = file.read().strip()
        if not known:
            known = secrets.token_hex(4)
            file.write(f"{known}\n")
        return known


def _first_free(locks: Path, base: str) -> tuple[str, int]:
    for number in itertools.count(1):
        name = base if number == 1 else f"{base}-{number}"
        lock = _try_lock(locks / f"{name}.lock")
        if lock is not None:
            return name, lock
    raise AssertionError("numbers do not end")


def _try_lock(path: Path) -> int | None:
    """The locked file; None when somebody holds it, or has just removed it."""
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(lock), path.stat()):
            return lock
    except (BlockingIOError, FileNotFoundError):
        pass
    os.close(lock)
    return None


def _clear(scratch: Path, locks: Path, name: str) -> None:
    """What dead workers left half done is of no use to anybody."""
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    with _looking(locks):
        gone = [_set_aside(path, locks) for path in scratch.parent.iterdir() if path.name != name and path.is_dir()]
    # Their names are free by now: it takes a while, and whoever bore one may be about to come back.
    for folder in gone:
        if folder:
            shutil.rmtree(folder, ignore_errors=True)


def _set_aside(scratch: Path, locks: Path) -> Path | None:
    """Where the folder of a dead worker lies now, under a name that nobody will bear; None when its bearer lives."""
    lock_path = locks / f"{scratch.name}.lock"
    lock = _try_lock(lock_path)
    if lock is None:
        return None
    try:
        # It may be gone: others remove what they have set aside without a lock.
        with suppress(FileNotFoundError):
            return scratch.rename(scratch.with_name(f"gone-{secrets.token_hex(8)}"))
        return None
    finally:
        lock_path.unlink()
        os.close(lock)


def _last_beat(path: Path) -> float | None:
    """When the bearer of the name beat, in seconds since the epoch; None when the name is free."""
    try:
        with path.open() as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return path.stat().st_mtime
    except FileNotFoundError:
        pass
    return None
