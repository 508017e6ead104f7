"""A full disk."""

import resource
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

import pytest
from tortoise import connections

#: What SQLite allows from the start.
MOST_PAGES = 2**32 - 2


@contextmanager
def files_end_at(size: int) -> Iterator[None]:
    """A full disk without being root: the system refuses to write past ``size``, as errno EFBIG."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@asynccontextmanager
async def database_ends_here() -> AsyncIterator[None]:
    """A database that cannot grow in this process, as on a full disk: SQLite itself says SQLITE_FULL."""
    database = connections.get("default")
    _, rows = await database.execute_query("PRAGMA page_count")
    await database.execute_query(f"PRAGMA max_page_count={rows[0]['page_count']}")
    try:
        yield
    finally:
        await database.execute_query(f"PRAGMA max_page_count={MOST_PAGES}")


def fill(path: Path) -> None:
    """Write a file until its disk is full to the last byte."""
    with path.open("wb", 0) as file:
        for size in (65_536, 4_096, 1):
            with suppress(OSError):
                while file.write(bytes(size)):
                    pass


def on_a_small_disk(folder: Path, kibibytes: int) -> list[str]:
    """A command prefix with which ``folder`` is a small disk of its own, without root.

    Skips the test if the kernel does not allow it.
    """
    script = 'mount -t tmpfs -o size="$1"k none "$2" && shift 2 && exec "$@"'
    prefix = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, "sh", str(kibibytes), str(folder)]
    try:
        subprocess.run([*prefix, "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"NOT TESTED on a full disk: this machine allows no mount without root ({error})")
    return prefix
