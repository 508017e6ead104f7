"""A data folder with accounts and stored files, and the commands that back it up, for the tests of both."""

import asyncio
import hashlib
import os
import signal
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner
from uuid_utils.compat import uuid7

from cloudkeep.cli.main import app
from tests.support.backends.databases import Databases

MIB = 2**20
NOW = "2026-11-22 12:00:00+00:00"
KEYS = f"test:{'k' * 40}\n"


@dataclass(frozen=True)
class Result:
    """The end of a command."""

    returncode: int
    stdout: str
    stderr: str


def run(*arguments: str, data_dir: Path | None = None) -> Result:
    """Run a command in this process, which is quicker than a new one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cloudkeep.supervisor.bootstrap.set_up_logging", lambda *_: None)
        if data_dir:
            patch.setenv("CLOUDKEEP_DATA_DIR", str(data_dir))
        result = CliRunner().invoke(app, list(arguments))
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exc_info
    return Result(result.exit_code, result.stdout, result.stderr)


def make_data_folder(folder: Path, databases: Databases) -> Path:
    """A data folder in which a server has run before, with an account."""
    folder.mkdir()
    asyncio.run(databases.migrated(folder))
    (folder / "secret.keys").write_text(KEYS)
    (folder / "secret.keys").chmod(0o600)
    add_account(folder, "ada")
    return folder


#: In the order of their values.
ACCOUNT_COLUMNS = "id, user_id, name, email, password_hash, created_at"


def add_account(data_dir: Path, user: str) -> str:
    """Add an account. Returns its ID."""
    account = str(uuid7())
    values = (account, user, user, f"{user}@example.org", "-", "2026-11-22 12:00:00+00:00")
    with closing(sqlite3.connect(data_dir / "cloudkeep.sqlite3")) as database, database:
        database.execute(f"INSERT INTO account ({ACCOUNT_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)", values)
    return account


def add_blob(data_dir: Path, content: bytes, name: str = "holiday.mp4") -> str:
    """Store a file of the first account. Returns the key of its blob."""
    key, blob, now = str(uuid7()), str(uuid7()), "2026-11-22 12:00:00+00:00"
    with closing(sqlite3.connect(data_dir / "cloudkeep.sqlite3")) as database, database:
        (account,) = database.execute("SELECT id FROM account").fetchone()
        digest = hashlib.sha256(content).hexdigest()
        _insert(
            database, "blob", id=blob, account_id=account, key=key, size=len(content), sha256=digest, created_at=now
        )
        database.execute("UPDATE account SET original_bytes = original_bytes + ?", [len(content)])
        names = {"name": "My drive", "folded_name": "my drive", "sort_key": b"my drive"}
        dates = {"created_at": now, "updated_at": now, "starred": False}
        if not database.execute("SELECT 1 FROM item WHERE id = ?", [account]).fetchone():
            _insert(database, "item", id=account, account_id=account, kind="FOLDER", **names, **dates)
        file, version = str(uuid7()), str(uuid7())
        # Each in a name of its own: the folder of a file has no other one of its name.
        names = {"name": name, "folded_name": file, "sort_key": file.encode(), "version_id": version}
        size = {"size": len(content), "file_kind": "VIDEO"}
        _insert(database, "item", id=file, account_id=account, parent_id=account, kind="FILE", **names, **size, **dates)
        content_of = {"item_id": file, "mime_type": "video/mp4", "blob_id": blob, "created_at": now}
        _insert(database, "file_version", id=version, account_id=account, **content_of)
    path = stored(data_dir, key)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return key


def _insert(database: sqlite3.Connection, table: str, **values: object) -> None:
    marks = ", ".join("?" * len(values))
    database.execute(f"INSERT INTO {table} ({', '.join(values)}) VALUES ({marks})", list(values.values()))


def enlarge_database(data_dir: Path, size: int) -> None:
    """Add so many bytes to the database."""
    with closing(sqlite3.connect(data_dir / "cloudkeep.sqlite3")) as database, database:
        database.execute("CREATE TABLE ballast AS SELECT zeroblob(?) AS bytes", [size])


def add_upload(data_dir: Path) -> str:
    """Begin an upload of the first account, which is its own idempotency key. Returns its ID."""
    key = str(uuid7())
    values = {"file_name": "film", "mime_type": "video/mp4", "size": 5, "chunk_size": 5, "status": "RECEIVING"}
    values |= {"id": key, "idempotency_key": key, "created_at": NOW, "expires_at": "2126-11-22 12:00:00+00:00"}
    with closing(sqlite3.connect(data_dir / "cloudkeep.sqlite3")) as database, database:
        (values["account_id"],) = database.execute("SELECT id FROM account").fetchone()
        marks = ", ".join("?" * len(values))
        database.execute(f"INSERT INTO upload ({', '.join(values)}) VALUES ({marks})", list(values.values()))
    return key


def uploads(path: Path) -> dict[str, tuple[str, str | None]]:
    """Status and idempotency key of the uploads of a database, by ID."""
    with closing(sqlite3.connect(path)) as database:
        rows = database.execute("SELECT id, status, idempotency_key FROM upload").fetchall()
    return {key: (status, idempotency_key) for key, status, idempotency_key in rows}


def stored(data_dir: Path, key: str) -> Path:
    """The file of a blob in the store."""
    return data_dir / "blobs" / "blobs" / key[-2:] / key[-4:-2] / key


def record(data_dir: Path, key: str) -> Path:
    """The file of a blob's record in the store."""
    return data_dir / "blobs" / "records" / key[-2:] / key[-4:-2] / f"{key}.json"


def kept(folder: Path, key: str) -> Path:
    """The file of a blob in a folder of backups."""
    return folder / "blobs" / key[-2:] / key[-4:-2] / key


def users(path: Path) -> list[str]:
    """The accounts of a database."""
    with closing(sqlite3.connect(path)) as database:
        return [user for (user,) in database.execute("SELECT user_id FROM account ORDER BY user_id")]


def backup(data_dir: Path, folder: Path, *options: str) -> Result:
    """Run ``cloudkeep backup``."""
    return run("backup", *options, str(folder), data_dir=data_dir)


def restore(data_dir: Path, folder: Path, *options: str) -> Result:
    """Run ``cloudkeep restore``."""
    return run("restore", *options, str(folder), data_dir=data_dir)


def check(folder: Path, *options: str) -> Result:
    """Run ``cloudkeep doctor --backup``."""
    return run("doctor", "--backup", str(folder), *options)


def only(folder: Path) -> Path:
    """The only backup in a folder."""
    (found,) = folder.glob("2*Z")
    return found


def flip(path: Path) -> bytes:
    """Change one bit in the middle of a file. Returns what it was."""
    content = path.read_bytes()
    changed = bytearray(content)
    changed[len(content) // 2] ^= 1
    path.write_bytes(changed)
    return content


def interrupted(data_dir: Path, *arguments: str, until: Callable[[], bool]) -> tuple[int, list[str], list[str]]:
    """Run a command, and press Ctrl-C as soon as a condition holds. Returns exit code, output and messages in lines."""
    return asyncio.run(_interrupted(data_dir, *arguments, until=until))


async def _interrupted(data_dir: Path, *arguments: str, until: Callable[[], bool]) -> tuple[int, list[str], list[str]]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "cloudkeep", *arguments),
        env={**os.environ, "CLOUDKEEP_DATA_DIR": str(data_dir)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(60):
        while not until():
            assert process.returncode is None, await process.communicate()
            await asyncio.sleep(0.001)
        process.send_signal(signal.SIGINT)
        output, messages = await process.communicate()
    assert process.returncode is not None
    return process.returncode, output.decode().splitlines(), messages.decode().splitlines()
