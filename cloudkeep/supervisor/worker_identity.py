"""A unique name for each living worker, which the worker that replaces it gets again.

Jobs are claimed under a name, and a worker resumes the jobs that the last one of its name left: two living workers of
one name would take each other's jobs. So a name is a locked file in the data folder. The kernel releases the lock when
the process ends, however it ends, also between containers that share a folder. Two folders never give the same name, on
one host or on two hosts of one name, because each folder has an ID of its own.
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

#: A worker hangs when its last heartbeat is older than this. It sends one every few seconds.
FRESH_SECONDS = 15.0


@dataclass(frozen=True)
class WorkerName:
    """A name that this process holds, and a folder for temporary files of its worker."""

    text: str
    scratch: Path
    _lock: int

    def beat(self) -> None:
        """Leave a heartbeat in the data folder."""
        os.utime(self._lock, (time.time(),) * 2)


@contextmanager
def claim_worker_name(data_dir: Path, base: str | None = None) -> Iterator[WorkerName]:
    """Hold a name for the block: the base, or the first of ``base-2``, ``base-3``, … that is free.

    The default base is that of this host and data folder. The scratch folder is empty, and those of free names are
    removed.
    """
    locks = data_dir / "workers"
    locks.mkdir(mode=0o700, exist_ok=True)
    base = base or _default_base(locks)
    with _exclusive(locks):
        name, lock = _claim_first_free(locks, base)
    try:
        scratch = data_dir / "scratch" / name
        _clear(scratch, locks, name)
        worker_name = WorkerName(name, scratch, lock)
        worker_name.beat()
        yield worker_name
    finally:
        os.close(lock)


def living_workers(data_dir: Path, base: str | None = None) -> dict[str, float]:
    """The living workers of this host and data folder, with the seconds since their last heartbeat."""
    locks = data_dir / "workers"
    if not locks.is_dir():
        return {}
    base, silence = base or _default_base(locks), {}
    with _exclusive(locks):
        for path in locks.glob("*.lock"):
            if re.fullmatch(rf"{re.escape(base)}(-\d+)?", path.stem) and (beat := _last_beat(path)) is not None:
                silence[path.stem] = time.time() - beat
    return silence


@contextmanager
def _exclusive(locks: Path) -> Iterator[None]:
    """Check names in the block, one process at a time.

    To check whether a name is free takes its lock for a moment, in which another process would find it held.
    """
    with (locks / "looking").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _default_base(locks: Path) -> str:
    host = re.sub(r"[^A-Za-z0-9._-]", "-", socket.gethostname())[:64]
    return f"{host}-{_folder_id(locks)}"


def _folder_id(locks: Path) -> str:
    with (locks / "id").open("a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        folder_id = file.read().strip()
        if not folder_id:
            folder_id = secrets.token_hex(4)
            file.write(f"{folder_id}\n")
        return folder_id


def _claim_first_free(locks: Path, base: str) -> tuple[str, int]:
    for number in itertools.count(1):
        name = base if number == 1 else f"{base}-{number}"
        lock = _try_lock(locks / f"{name}.lock")
        if lock is not None:
            return name, lock
    raise AssertionError("numbers do not end")


def _try_lock(path: Path) -> int | None:
    """The locked file; None when another process holds it, or has just removed it."""
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
    """Empty the scratch folder, and remove those of dead workers."""
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    with _exclusive(locks):
        aside = [_set_aside(path, locks) for path in scratch.parent.iterdir() if path.name != name and path.is_dir()]
    # Their names are free by now: removing takes a while, and a worker may be about to claim one again.
    for folder in aside:
        if folder:
            shutil.rmtree(folder, ignore_errors=True)


def _set_aside(scratch: Path, locks: Path) -> Path | None:
    """Move the folder of a dead worker to a name that no worker will have; None when the worker lives."""
    lock_path = locks / f"{scratch.name}.lock"
    lock = _try_lock(lock_path)
    if lock is None:
        return None
    try:
        # It may be gone: other processes remove what they have set aside without a lock.
        with suppress(FileNotFoundError):
            return scratch.rename(scratch.with_name(f"gone-{secrets.token_hex(8)}"))
        return None
    finally:
        lock_path.unlink()
        os.close(lock)


def _last_beat(path: Path) -> float | None:
    """When the worker of this name sent its last heartbeat, in seconds since the epoch; None when the name is free."""
    try:
        with path.open() as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return path.stat().st_mtime
    except FileNotFoundError:
        pass
    return None
