"""Copies of a database, made and restored as an operator does."""

import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

from tests.support.backends.databases import SQLITE
from tests.support.backends.postgres import find_programs

SECONDS = 60


def dump(url: str, copy: Path) -> None:
    """Copy a database that may be in use into a file."""
    if url.startswith(SQLITE):
        _back_up(Path(url.removeprefix(f"{SQLITE}://")), copy)
    else:
        _run("pg_dump", "--format=custom", f"--file={copy}", url)


def restore(url: str, copy: Path) -> None:
    """Replace the content of a database that no process uses by that of the copy."""
    if url.startswith(SQLITE):
        _back_up(copy, Path(url.removeprefix(f"{SQLITE}://")))
    else:
        _run("pg_restore", "--clean", "--if-exists", "--exit-on-error", f"--dbname={url}", str(copy))


def _back_up(source: Path, target: Path) -> None:
    with closing(sqlite3.connect(source)) as origin, closing(sqlite3.connect(target)) as copy:
        origin.backup(copy)


def _run(program: str, *arguments: str) -> None:
    command = [str(find_programs() / program), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert done.returncode == 0, done.stderr
