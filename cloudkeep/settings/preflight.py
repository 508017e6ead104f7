"""What must hold before anything is started: folders to write to, a data folder for us alone, and a port."""

import errno
import fcntl
import os
import resource
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit

from cloudkeep.settings.settings import PREFIX, Settings
from storage.database.engine import SQLITE

BACKLOG = 2048
DESCRIPTORS = 65_536
REFUSED = 2  # exit code of a process that has to be set up differently; starting it again is of no use


class StartupError(Exception):
    """CloudKeep cannot start. ``str(error)`` is one line that says why and what to change."""


def prepare_folders(settings: Settings) -> None:
    """Make the folders that files go to, where they are missing. Raises :class:`StartupError`."""
    _prepare("DATA_DIR", settings.data_dir)
    if settings.database_url.startswith(SQLITE):
        _prepare("DATABASE_URL", Path(settings.database_url.removeprefix(SQLITE)).parent)
    if settings.blob_url.startswith("file:"):
        _prepare("BLOB_URL", Path(unquote(urlsplit(settings.blob_url).path)))


def _prepare(setting: str, folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK | os.X_OK):
            raise OSError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as error:
        raise StartupError(f"{PREFIX}{setting}: cannot write to {folder}: {error.strerror}") from None


def raise_descriptor_limit() -> None:
    """Let this process and its children open as many files as the system allows, up to ``DESCRIPTORS``.

    Every connection is one. Shells give 1,024 for the sake of programs that use select(2), which ours do not.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, DESCRIPTORS)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


@contextmanager
def claimed(data_dir: Path) -> Iterator[None]:
    """Hold the data folder for this process alone. Raises :class:`StartupError` when another one holds it.

    The kernel drops the lock when the process ends, however it ends; the file itself stays.
    """
    with (data_dir / "cloudkeep.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            owner = lock.read().strip() or "unknown"
            raise StartupError(f"data folder {data_dir} is in use by another CloudKeep (pid {owner})") from None
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield


@contextmanager
def listening(host: str, port: int, setting: str = "PORT") -> Iterator[socket.socket]:
    """A listening socket for the API processes to share. Raises :class:`StartupError`, which names ``setting``.

    It listens at once: clients that come early wait in its backlog instead of being refused, also while an API process
    is replaced.
    """
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[
            0
        ]
        listener = socket.socket(family, kind)
    except OSError as error:
        raise StartupError(f"{PREFIX}HOST: {host} is no address of this machine: {error.strerror}") from None
    with listener:
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(BACKLOG)
        except OSError as error:
            raise StartupError(f"{PREFIX}{setting}: cannot listen on {host}:{port}: {error.strerror}") from None
        yield listener
