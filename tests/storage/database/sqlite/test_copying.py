"""Copying a database of SQLite page by page."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from storage.database.sqlite.copying import copy_database, make_single_file, require_intact
from storage.errors import DatabaseDamaged, DatabaseUnavailable, NoSpace

#: So many pages that a copy takes many steps.
MIB = 24
PAUSE = 0.005


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "a #source?.sqlite3"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE ballast (content BLOB)")
        connection.executemany("INSERT INTO ballast VALUES (randomblob(1048576))", [()] * MIB)
        connection.execute("CREATE TABLE one (number INTEGER)")
        connection.execute("CREATE TABLE two (number INTEGER)")
    return path


@contextmanager
def written_meanwhile(path: Path) -> Iterator[list[int]]:
    """Another connection commits a row of each table, again and again. Yields the numbers that it committed."""
    committed: list[int] = []
    ended = threading.Event()

    def write() -> None:
        with closing(sqlite3.connect(path, timeout=60)) as connection:
            while not ended.is_set():
                with connection:
                    connection.execute("INSERT INTO one VALUES (?)", [len(committed)])
                    connection.execute("INSERT INTO two VALUES (?)", [len(committed)])
                committed.append(len(committed))

    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield committed
    finally:
        ended.set()
        writer.join()


def rows(path: Path, table: str) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


def test_a_copy_ends_while_another_process_commits_all_the_time_and_keeps_none_of_its_transactions_in_half(
    source: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    with written_meanwhile(source) as committed:
        while not committed:
            pass
        before = len(committed)
        copy_database(source, copy, pause=PAUSE)
        during = len(committed) - before
    assert during > 0, "the writer waited for the copy"
    assert before <= rows(copy, "one") == rows(copy, "two") <= before + during + 1
    assert rows(copy, "ballast") == MIB


def test_a_copy_is_one_private_file(source: Path, tmp_path: Path) -> None:
    (folder := tmp_path / "folder").mkdir()
    copy_database(source, folder / "copy")
    assert [path.name for path in folder.iterdir()] == ["copy"]
    assert (folder / "copy").stat().st_mode & 0o777 == 0o600


def test_a_copy_that_is_stopped_leaves_nothing_and_keeps_the_earlier_one(source: Path, tmp_path: Path) -> None:
    (folder := tmp_path / "folder").mkdir()
    (folder / "copy").write_text("earlier")
    with pytest.raises(InterruptedError):
        copy_database(source, folder / "copy", stopped=lambda: True)
    assert [path.read_text() for path in folder.iterdir()] == ["earlier"]


def test_a_database_that_is_not_there_is_not_created(tmp_path: Path) -> None:
    with pytest.raises((FileNotFoundError, DatabaseUnavailable)):
        copy_database(tmp_path / "missing", tmp_path / "copy")
    assert list(tmp_path.iterdir()) == []


def test_without_room_nothing_is_written(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder := tmp_path / "folder").mkdir()
    monkeypatch.setattr("storage.durable_files.shutil.disk_usage", lambda _: type("Usage", (), {"free": 10 * 2**20}))
    with pytest.raises(NoSpace, match=r"needs 2\d\.\d MiB, and the disk of .* has only 10\.0 MiB free"):
        copy_database(source, folder / "copy")
    assert list(folder.iterdir()) == []


def test_a_damaged_database_is_found(source: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    copy_database(source, copy)
    content = bytearray(copy.read_bytes())
    content[4096 : 4096 + 100] = b"\xff" * 100
    copy.write_bytes(content)
    with pytest.raises(DatabaseDamaged, match="the database is damaged: "):
        require_intact(copy)


def test_the_log_of_a_database_in_use_stays(source: Path) -> None:
    with closing(sqlite3.connect(source)) as other:
        other.execute("SELECT count(*) FROM one").fetchone()
        with pytest.raises(sqlite3.OperationalError):
            make_single_file(source)
    make_single_file(source)
    assert rows(source, "ballast") == MIB
