"""Finds the running server of a data folder, by the file that ``cloudkeep serve`` keeps there while it runs."""

import fcntl
import json
import os
from pathlib import Path

from cloudkeep.client.errors import UsageError, printable
from services.core.urls import base_url

#: A file in the data folder, readable by its owner only: ``{"url": ..., "pid": ...}``. The server holds a lock on it.
#: The kernel releases the lock however the server ends, so a file without a lock was left behind.
FILE_NAME = "server.json"
#: O_NONBLOCK, because opening a named pipe would wait for a writer.
_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK


def server_url(url: str | None) -> str:
    """The base URL of the server: ``url`` if there is one, else that of the data folder's running server.

    Raises :class:`UsageError`.
    """
    if url:
        try:
            return base_url(url)
        except ValueError as error:
            raise UsageError(f"--url or CLOUDKEEP_URL: {error}") from error
    folder = data_folder()
    if found := find_server(folder):
        return found
    raise UsageError(
        f"no running server was found in {printable(str(folder))}. Start one with `make run` or `cloudkeep serve`, or "
        "set CLOUDKEEP_URL to the address of a server, or CLOUDKEEP_DATA_DIR to the data folder of one on this machine"
    )


def data_folder() -> Path:
    """The data folder, as the server's settings choose it."""
    return Path(os.environ.get("CLOUDKEEP_DATA_DIR") or "data").expanduser().absolute()


def find_server(folder: Path) -> str | None:
    """The URL at which this machine reaches the server that runs in the folder, or None.

    A file of another user is ignored, and so is a link: it could lead a password to a server of theirs.
    """
    try:
        with open(os.open(folder / FILE_NAME, _FLAGS), "rb") as file:
            if not _is_trusted(os.fstat(file.fileno()).st_uid, folder) or not _is_locked(file.fileno()):
                return None
            return base_url(str(json.load(file)["url"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _is_trusted(owner: int, folder: Path) -> bool:
    """Whether the file's owner may say where passwords go. For root that is also the folder's owner."""
    user = os.geteuid()
    return owner == user or (user == 0 and owner == folder.stat().st_uid)


def _is_locked(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    return False
