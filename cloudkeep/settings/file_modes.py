"""The modes of files and folders: only the user of the server can use what it stores."""

import logging
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from cloudkeep.settings.preflight import folders_of
from cloudkeep.settings.settings import Settings
from storage.database.engine import SQLITE

#: New files get 0600 and new folders 0700, those of libraries, Valkey and ffmpeg too.
UMASK = 0o077
OTHERS = 0o007
GROUP_AND_OTHERS = 0o077
#: What a server creates in its data folder. What is below a folder is as private as the folder.
FOLDERS = ("blobs", "logs", "metrics", "scratch", "valkey", "workers")
FILES = ("clock.json", "cloudkeep.lock", "scrub.json", "server.json")
#: What belongs to a SQLite database, by the end of its name: the log, its index, and the journal of another mode.
DATABASE_FILES = ("", "-wal", "-shm", "-journal")

_log = logging.getLogger("cloudkeep.settings")


def create_private_files() -> None:
    """Let this process and its children create files that only their user can use, whatever the umask was."""
    os.umask(UMASK)


def make_private(settings: Settings) -> None:
    """Take from other users what they should not be able to use, such as a database of a version before 0.2.

    A mode that allows something to the group, and nothing to others, is an operator's choice and stays. Logs a warning
    for all that was changed, and one for each mode that cannot be changed.
    """
    changed = []
    for path in _stored(settings):
        try:
            mode = stat.S_IMODE(path.stat().st_mode)
            if mode & OTHERS:
                path.chmod(mode & ~GROUP_AND_OTHERS)
                changed.append(str(path))
        except FileNotFoundError:
            continue
        except OSError as error:
            _log.warning("%s can be used by other users, and its mode cannot be changed: %s", path, error.strerror)
    if changed:
        _log.warning("other users could use these files and folders, which are private now: %s", ", ".join(changed))


def _stored(settings: Settings) -> Iterator[Path]:
    for name in (*FOLDERS, *FILES):
        yield settings.data_dir / name
    if settings.database_url.startswith(SQLITE):
        database = Path(settings.database_url.removeprefix(SQLITE))
        for end in DATABASE_FILES:
            yield database.with_name(f"{database.name}{end}")
        yield database.with_name("migration.lock")
    # The folder itself may be a mount point of the operator's.
    if blobs := folders_of(settings).get("BLOB_URL"):
        yield from (blobs / "blobs", blobs / "staging")
