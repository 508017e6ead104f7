"""``cloudkeep admin`` as an operator calls it, on a database in which Ada and Bob have accounts."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pytest
from typer.testing import CliRunner

from cloudkeep.cli.main import app
from storage.database.connection import close_database, open_database
from storage.database.engine import PoolSize
from tests.storage.rows import new_account

T = TypeVar("T")

#: The beginnings of the lines that name the database.
PLACE = ("Data folder: ", "Database: ")


@dataclass(frozen=True)
class Printed:
    """What a command printed. ``err`` is without the lines that name the database."""

    code: int
    out: list[str]
    err: str


class Admin:
    """Runs commands in this process, which is faster than a new one."""

    def __init__(self, database_url: str) -> None:
        self._url = database_url

    def __call__(self, *arguments: str) -> Printed:
        """Run ``cloudkeep admin`` with these arguments."""
        result = CliRunner().invoke(app, ["admin", *arguments])
        lines = [
            line for line in result.stderr.splitlines(True) if not line.startswith(("Data folder: ", "Database: "))
        ]
        return Printed(result.exit_code, result.stdout.splitlines(), "".join(lines))

    def within(self, work: Callable[[], Awaitable[T]]) -> T:
        """Run work of the test in the same database."""

        async def connected() -> T:
            await open_database(self._url, PoolSize(0, 1))
            try:
                return await work()
            finally:
                await close_database()

        return asyncio.run(connected())


@pytest.fixture
def admin(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Admin:
    """The commands."""
    # Logging would be set up in the process of the tests.
    monkeypatch.setattr("cloudkeep.supervisor.bootstrap.set_up_logging", lambda *_: None)
    monkeypatch.setenv("CLOUDKEEP_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("CLOUDKEEP_DATABASE_URL", database_url)
    admin = Admin(database_url)

    async def accounts() -> None:
        for name in ("ada", "bob"):
            await new_account(name)

    admin.within(accounts)
    return admin
