"""``cloudkeep grant`` as an operator calls it."""

import sqlite3
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import pytest
from typer.testing import CliRunner

from cloudkeep.cli.main import app
from storage.database.sqlite.engine import BUSY_TIMEOUT_MS

#: The fixture writes the accounts straight into the database file.
pytestmark = pytest.mark.sqlite

USAGE = 2
INSERT = "INSERT INTO account (id, user_id, name, email, password_hash, created_at) VALUES (?, ?, ?, ?, ?, ?)"
Answer = tuple[int, list[str], str]


class Printed:
    """Runs the command in this process, which is faster than a new one, and returns its output."""

    def __init__(self) -> None:
        self._runner = CliRunner()

    def __call__(self, *arguments: str) -> Answer:
        """The exit code, the lines on standard output, and standard error without the lines that name the database."""
        result = self._runner.invoke(app, ["grant", *arguments])
        lines = [line.partition(", since ")[0] for line in result.stdout.splitlines()]
        errors = [
            line for line in result.stderr.splitlines(True) if not line.startswith(("Data folder: ", "Database: "))
        ]
        return result.exit_code, lines, "".join(errors)


@pytest.fixture(autouse=True)
def _own_logging(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the command from setting up logging, since it runs in the process of the tests."""
    monkeypatch.setattr("cloudkeep.supervisor.bootstrap.set_up_logging", lambda *_: None)


@pytest.fixture
def printed(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Printed:
    """The command, with a database in which Ada and Bob have accounts."""
    monkeypatch.setenv("CLOUDKEEP_DATA_DIR", str(tmp_path))
    with closing(sqlite3.connect(database_url.removeprefix("sqlite://"))) as connection, connection:
        for name in ("ada", "bob"):
            account = (str(uuid4()), name, name, f"{name}@example.org", "-", "2026-11-22 12:00:00+00:00")
            connection.execute(INSERT, account)
    return Printed()


def test_grants_are_printed_and_listed(printed: Printed) -> None:
    assert printed() == (0, ["Every account has the limits of the settings."], "")
    assert printed("Bob", "--points", "9007199254740992/0.5", "--subscriptions", "500") == (
        0,
        ["bob: points 9007199254740992/0.5", "bob: subscriptions 500"],
        "",
    )
    adas = ["ada: ingest 1000/10", "ada: subscriptions 0"]
    assert printed("ada", "--ingest", "1000/10", "--subscriptions", "0")[1] == adas
    assert printed("ada", "--ingest", "1KiB/1kB")[1][0] == "ada: ingest 1024/1000"
    assert printed("ada", "--ingest", "1000/10")[1] == adas
    assert printed()[1] == [*adas, "bob: points 9007199254740992/0.5", "bob: subscriptions 500"]
    assert printed("ada")[1] == adas


def test_a_quota_is_a_size_or_none(printed: Printed) -> None:
    assert printed("ada", "--quota", "200GiB")[1] == ["ada: quota 200GiB"]
    assert printed("ada", "--quota", "1kB")[1] == ["ada: quota 1000B"]
    assert printed("ada", "--quota", "none")[1] == ["ada: quota none"]
    assert printed("ada", "--quota", "default")[1] == ["ada has the limits of the settings."]


def test_a_grant_can_be_changed_and_removed(printed: Printed) -> None:
    printed("ada", "--points", "10/1", "--ingest", "10/1", "--subscriptions", "1")
    changed = ["ada: ingest 10/1", "ada: points 20/2", "ada: subscriptions 1"]
    assert printed("ada", "--points", "20/2")[1] == changed
    assert printed("ada", "--points", "default", "--subscriptions", "default")[1] == ["ada: ingest 10/1"]
    for _ in range(2):
        assert printed("ada", "--remove") == (0, ["ada has the limits of the settings."], "")


@pytest.mark.parametrize("name", ["carol", "x", "no such\nname"])
def test_an_unknown_user_is_refused_in_one_line(printed: Printed, name: str) -> None:
    assert printed(name, "--points", "1/1") == (
        USAGE,
        [],
        f"cloudkeep: there is no account with the user ID {name!r}\n",
    )


def test_it_works_while_another_process_writes_to_the_database(printed: Printed, database_url: str) -> None:
    with closing(sqlite3.connect(database_url.removeprefix("sqlite://"), timeout=BUSY_TIMEOUT_MS / 1000)) as server:
        server.execute("PRAGMA journal_mode=WAL")
        server.execute("SELECT * FROM account").fetchone()
        assert printed("ada", "--points", "1/1")[1] == ["ada: points 1/1"]


def test_a_database_that_is_not_there_is_not_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLOUDKEEP_DATA_DIR", str(tmp_path))
    assert Printed()("ada", "--points", "1/1") == (
        USAGE,
        [],
        f"cloudkeep: CLOUDKEEP_DATABASE_URL: there is no database at {tmp_path}/cloudkeep.sqlite3\n",
    )


@pytest.mark.parametrize(
    ("option", "value"),
    [
        *((option, value) for option in ("points", "ingest") for value in ("10", "0/1", "1/0", "-1/1", "1/1/open", "")),
        ("points", "9007199254740993/1"),
        ("points", "\u0661/1"),
        ("subscriptions", "-1"),
        ("subscriptions", "1000001"),
        ("subscriptions", "many"),
        *(("quota", value) for value in ("0", "-1", "10G", "9PiB", "off", "")),
    ],
)
def test_an_invalid_value_is_refused_in_one_line(option: str, value: str) -> None:
    code, lines, error = Printed()("ada", f"--{option}={value}")
    assert (code, lines) == (USAGE, [])
    assert error.startswith(f"cloudkeep: --{option} must be ")
    assert error.endswith(f"not {value!r}\n")
    assert error.count("\n") == 1


def test_all_invalid_values_are_named_at_once_and_nothing_is_changed(printed: Printed) -> None:
    code, lines, error = printed("ada", "--points", "10/1", "--ingest", "much", "--subscriptions", "many")
    assert (code, lines, error.count("\n")) == (USAGE, [], 1)
    assert "--ingest must be" in error
    assert "; --subscriptions must be" in error
    assert printed("ada")[1] == ["ada has the limits of the settings."]


@pytest.mark.parametrize("arguments", [("ada", "--points", "1/1", "--remove"), ("--points", "1/1"), ("--remove",)])
def test_a_removal_has_no_other_option_and_a_grant_has_a_user_id(arguments: tuple[str, ...]) -> None:
    code, lines, error = Printed()(*arguments)
    assert (code, lines, error.count("\n")) == (USAGE, [], 1)
