"""Checks before a start: folders that can be written to, a data folder that no other server uses, and a free port."""

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
from services.mail.template_folders import TemplateFolders
from storage.database.engine import SQLITE

BACKLOG = 2048
DESCRIPTORS = 65_536
REFUSED = 2  # exit code for wrong settings: starting the process again does not help


class StartupError(Exception):
    """CloudKeep cannot start. ``str(error)`` is one line that says why and what to change."""


def prepare_folders(settings: Settings) -> None:
    """Make the folders for the data, the database and the blobs if missing. Raises :class:`StartupError`."""
    for setting, folder in folders_of(settings).items():
        with _writing(setting, folder):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            _require_writable(folder)


def require_folders(settings: Settings) -> None:
    """Raise :class:`StartupError` unless the same folders exist: a typo in a setting must not make new ones."""
    if not settings.data_dir.is_dir():
        raise StartupError(
            f"there is no data folder at {settings.data_dir}; `cloudkeep serve` makes it, "
            f"or {PREFIX}DATA_DIR names another one"
        )
    for setting, folder in folders_of(settings).items():
        if folder.is_dir():
            with _writing(setting, folder):
                _require_writable(folder)
        elif not folder.is_relative_to(settings.data_dir):
            raise StartupError(f"{PREFIX}{setting}: there is no folder {folder}; `cloudkeep serve` makes it")


def folders_of(settings: Settings) -> dict[str, Path]:
    """The folders that files go to, by the settings that name them."""
    folders = {"DATA_DIR": settings.data_dir}
    if settings.database_url.startswith(SQLITE):
        folders["DATABASE_URL"] = Path(settings.database_url.removeprefix(SQLITE)).parent
    if settings.blob_url.startswith("file:"):
        folders["BLOB_URL"] = Path(unquote(urlsplit(settings.blob_url).path))
    return folders


def mail_folders(settings: Settings) -> TemplateFolders:
    """The folders that may have mail templates of the operator's."""
    return TemplateFolders(settings.mail_templates, _working_directory())


def _working_directory() -> Path | None:
    """The working directory; None if it was deleted, as by an update of a running server."""
    try:
        return Path.cwd()
    except FileNotFoundError:
        return None


def _require_writable(folder: Path) -> None:
    if not os.access(folder, os.W_OK | os.X_OK):
        raise OSError(errno.EACCES, os.strerror(errno.EACCES))


@contextmanager
def _writing(setting: str, folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StartupError(f"{PREFIX}{setting}: cannot write to {folder}: {error.strerror}") from None


def raise_descriptor_limit() -> None:
    """Let this process and its children open as many files as the system allows, up to ``DESCRIPTORS``.

    Every connection needs one. The usual limit of 1,024 protects programs that use select(2); ours do not.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, DESCRIPTORS)
    if soft != resource.RLIM_INFINITY and soft < limit:
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))


@contextmanager
def claimed(data_dir: Path) -> Iterator[None]:
    """Lock the data folder for this process. Raises :class:`StartupError` when another process holds the lock.

    The kernel releases the lock when the process ends, however it ends. The file itself stays.
    """
    with (data_dir / "cloudkeep.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            owner = lock.read().strip() or "unknown"
            raise StartupError(
                f"data folder {data_dir} is in use by another CloudKeep (pid {owner}); "
                f"stop it, or set {PREFIX}DATA_DIR to another folder"
            ) from None
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield


@contextmanager
def listening(host: str, port: int, setting: str = "PORT") -> Iterator[socket.socket]:
    """A listening socket for the API processes to share. Raises :class:`StartupError`, which names ``setting``.

    It listens at once, so that connections wait in the backlog during the start and while an API process is replaced.
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
            listener.setblocking(False)
        except OSError as error:
            if error.errno == errno.EADDRNOTAVAIL:
                raise StartupError(f"{PREFIX}HOST: {host} is no address of this machine") from None
            hint = "; stop the program that uses it, or set another port" if error.errno == errno.EADDRINUSE else ""
            raise StartupError(f"{PREFIX}{setting}: cannot listen on {host}:{port}: {error.strerror}{hint}") from None
        yield listener
