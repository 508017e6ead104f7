"""``cloudkeep grant`` as an operator calls it."""

import sqlite3
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import pytest

from cloudkeep.commands import grant
from storage.database import BUSY_TIMEOUT_MS
from tests.support.command import cloudkeep

USAGE = 2
Answer = tuple[int | str | None, list[str], str]


class Printed:
    """What the command says in this process, which is quicker than a new one."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, user_id: str | None = None, remove: bool = False, **options: str) -> Answer:
        """Exit code, lines on standard output, and standard error."""
        try:
            values = [options.get(name) for name in ("points", "ingest", "subscriptions")]
            code: int | str | None = grant(user_id, *values, remove=remove)
        except SystemExit as error:
            code = error.code
        out, err = self._capsys.readouterr()
        return code, [line.partition(", since ")[0] for line in out.splitlines()], err


@pytest.fixture
def printed(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Printed:
    """The command, over a database in which Ada and Bob have accounts."""
    monkeypatch.setenv("CLOUDKEEP_DATA_DIR", str(tmp_path))
    with closing(sqlite3.connect(database_url.removeprefix("sqlite://"))) as connection, connection:
        for name in ("ada", "bob"):
            account = (str(uuid4()), name, name, f"{name}@example.org", "-", "2026-11-22 12:00:00+00:00")
            connection.execute("INSERT INTO account VALUES (?, ?, ?, ?, ?, ?)", account)
    return Printed(capsys)


def test_what_was_granted_is_printed_and_listed(printed: Printed) -> None:
    assert printed() == (0, ["Everybody has the budget of the settings."], "")
    assert printed("Bob", points="9007199254740992/0.5", subscriptions="500") == (
        0,
        ["bob: points 9007199254740992/0.5", "bob: subscriptions 500"],
        "",
    )
    assert printed("ada", ingest="1000/10", subscriptions="0")[1] == ["ada: ingest 1000/10", "ada: subscriptions 0"]
    assert printed()[1] == [
        "ada: ingest 1000/10",
        "ada: subscriptions 0",
        "bob: points 9007199254740992/0.5",
        "bob: subscriptions 500",
    ]
    assert printed("ada")[1] == ["ada: ingest 1000/10", "ada: subscriptions 0"]


def test_a_grant_is_changed_and_taken_away(printed: Printed) -> None:
    printed("ada", points="10/1", ingest="10/1", subscriptions="1")
    assert printed("ada", points="20/2")[1] == ["ada: ingest 10/1", "ada: points 20/2", "ada: subscriptions 1"]
    assert printed("ada", points="default", subscriptions="default")[1] == ["ada: ingest 10/1"]
    assert printed("ada", remove=True) == (0, ["ada has the budget of the settings."], "")
    assert printed("ada", remove=True)[0] == 0


@pytest.mark.parametrize(
    ("option", "value"),
    [
        *((option, value) for option in ("points", "ingest") for value in ("10", "0/1", "1/0", "-1/1", "1/1/open", "")),
        ("points", "9007199254740993/1"),
        ("points", "\u0661/1"),
        ("subscriptions", "-1"),
        ("subscriptions", "1000001"),
        ("subscriptions", "many"),
    ],
)
def test_a_value_that_makes_no_sense_is_refused_in_one_line(printed: Printed, option: str, value: str) -> None:
    code, lines, error = printed("ada", False, **{option: value})
    assert (code, lines) == (USAGE, [])
    assert error.startswith(f"cloudkeep: --{option} must be ")
    assert error.endswith(f"not {value!r}\n")
    assert error.count("\n") == 1


@pytest.mark.parametrize("name", ["carol", "x", "no such\nname"])
def test_an_unknown_user_is_refused_in_one_line(printed: Printed, name: str) -> None:
    assert printed(name, points="1/1") == (USAGE, [], f"cloudkeep: nobody has the user ID {name!r}\n")


def test_removal_goes_alone_and_a_grant_is_somebodys(printed: Printed) -> None:
    for code, lines, error in (printed("ada", points="1/1", remove=True), printed(None, points="1/1")):
        assert (code, lines, error.count("\n")) == (USAGE, [], 1)


def test_it_works_beside_whoever_writes_to_the_database(printed: Printed, database_url: str) -> None:
    with closing(sqlite3.connect(database_url.removeprefix("sqlite://"), timeout=BUSY_TIMEOUT_MS / 1000)) as server:
        server.execute("PRAGMA journal_mode=WAL")
        server.execute("SELECT * FROM account").fetchone()
        assert printed("ada", points="1/1")[1] == ["ada: points 1/1"]


def test_a_database_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    result = cloudkeep("grant", "ada", "--points", "1/1", "--subscriptions", "1", DATA_DIR=str(tmp_path))
    assert (result.returncode, result.stdout) == (USAGE, "")
    assert result.stderr == (
        f"cloudkeep: CLOUDKEEP_DATABASE_URL: there is no database at {tmp_path}/cloudkeep.sqlite3\n"
    )
