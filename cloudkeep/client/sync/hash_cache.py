"""SHA-256 of local files that were hashed before, by what changes when their content does.

A file is known by its device, inode, size, and times of modification and change. The time of change (ctime) cannot be
set back by programs that keep the time of modification.
"""

import os
import sqlite3
from contextlib import suppress
from pathlib import Path
from time import time
from types import TracebackType
from typing import Self

NAME = "hashes.sqlite3"
#: A file that changed so many seconds ago is not kept: it may change again without another time. File systems of FAT
#: count two seconds.
RECENT_SECONDS = 3
#: Entries that were not used for so many days are removed.
MAX_AGE_DAYS = 180
DAY = 24 * 60 * 60
#: Seconds to wait for another process.
TIMEOUT = 5.0
_CREATE = """CREATE TABLE IF NOT EXISTS file (
    device INTEGER, inode INTEGER, size INTEGER, modified INTEGER, changed INTEGER, sha256 TEXT, used_on INTEGER,
    PRIMARY KEY (device, inode)) WITHOUT ROWID"""


class HashCache:
    """The hashes of earlier runs. Without a usable file, it has none, and the files are read again."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path or cache_path()
        self._database: sqlite3.Connection | None = None

    def __enter__(self) -> Self:
        if self._path is None:
            return self
        with suppress(OSError, sqlite3.Error):
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            # Used by one thread at a time.
            database = sqlite3.connect(self._path, timeout=TIMEOUT, isolation_level=None, check_same_thread=False)
            # A crash of the machine may lose the cache, which only costs time.
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = OFF")
            database.execute(_CREATE)
            database.execute("DELETE FROM file WHERE used_on < ?", (_today() - MAX_AGE_DAYS,))
            self._database = database
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._database:
            self._database.close()

    def get(self, status: os.stat_result) -> str | None:
        """The SHA-256 of a file with this status, if it was hashed before."""
        if not self._database:
            return None
        with suppress(sqlite3.Error):
            found = self._database.execute(
                "SELECT sha256, used_on FROM file"
                " WHERE device = ? AND inode = ? AND size = ? AND modified = ? AND changed = ?",
                _key(status),
            ).fetchone()
            if found and found[1] != _today():
                self.put(status, found[0])
            return str(found[0]) if found else None
        return None

    def put(self, status: os.stat_result, sha256: str) -> None:
        """Keep the SHA-256 of a file whose status was this before and after it was read."""
        if not self._database or max(status.st_mtime, status.st_ctime) > time() - RECENT_SECONDS:
            return
        with suppress(sqlite3.Error):
            self._database.execute(
                "INSERT OR REPLACE INTO file (device, inode, size, modified, changed, sha256, used_on)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                (*_key(status), sha256, _today()),
            )


def cache_path() -> Path | None:
    """The file, in the folder for what may be deleted at any time; None for a user without a home folder.

    A relative XDG_CACHE_HOME is ignored (XDG Base Directory Specification 0.8).
    """
    configured = os.environ.get("XDG_CACHE_HOME", "")
    if configured.startswith("/"):
        return Path(configured, "cloudkeep", NAME)
    with suppress(RuntimeError):
        return Path.home() / ".cache" / "cloudkeep" / NAME
    return None


def _key(status: os.stat_result) -> tuple[int, int, int, int, int]:
    """Numbers that SQLite can store: inodes and devices may have 64 bits without a sign."""
    numbers = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
    device, inode, size, modified, changed = (number - 2**64 if number >= 2**63 else number for number in numbers)
    return device, inode, size, modified, changed


def _today() -> int:
    return int(time() // DAY)
