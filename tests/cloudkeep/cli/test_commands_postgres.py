"""Commands with PostgreSQL: each refuses an unusable database in one line without the password."""

import asyncio
import re
from pathlib import Path

import asyncpg
import pytest
from typer.testing import CliRunner

from cloudkeep.cli.main import app
from storage.database.postgres import engine as postgres
from tests.support.backends.databases import MAINTENANCE, PostgresDatabases
from tests.support.backends.postgres import PASSWORD, QUOTED_PASSWORD
from tests.support.process import cloudkeep, free_port

pytestmark = pytest.mark.postgres

REFUSED = 2
LINE = re.compile(r"cloudkeep: CLOUDKEEP_DATABASE_URL: [^\n]+\n")
TABLES = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"


async def tables(url: str) -> int:
    """The number of tables in a database."""
    connection = await asyncpg.connect(url)
    try:
        return int(await connection.fetchval(TABLES))
    finally:
        await connection.close()


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> CliRunner:
    """The command line in this process, which is quicker than a new one."""
    monkeypatch.setattr("cloudkeep.supervisor.bootstrap.set_up_logging", lambda *_: None)
    monkeypatch.setattr(postgres, "START", 0.1)
    monkeypatch.setenv("CLOUDKEEP_DATA_DIR", str(tmp_path))
    return CliRunner()


@pytest.mark.parametrize("command", ["doctor", "scrub", "grant"])
def test_an_empty_database_is_refused_and_stays_empty(
    command: str, run: CliRunner, empty_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In an empty database every blob would look like an orphan."""
    monkeypatch.setenv("CLOUDKEEP_DATABASE_URL", empty_database)
    result = run.invoke(app, [command])
    assert (result.exit_code, result.stdout) == (REFUSED, "")
    assert re.fullmatch(
        r"cloudkeep: CLOUDKEEP_DATABASE_URL: the database test_\d+ has no tables of CloudKeep's\n", result.stderr
    )
    assert asyncio.run(tables(empty_database)) == 0


def wrong_urls(databases: PostgresDatabases) -> dict[str, str]:
    """Wrong URLs, by the reason that the error has to name."""
    url = databases.server.url(MAINTENANCE)
    no_server = url.replace(f":{databases.server.port}/", f":{free_port()}/")
    return {
        "password authentication failed": url.replace(QUOTED_PASSWORD, "wrong-word"),
        'database "nothing" does not exist': databases.server.url("nothing"),
        "127.0.0.1": no_server,
        "nowhere.invalid": url.replace("@127.0.0.1", "@nowhere.invalid"),
    }


@pytest.mark.parametrize("command", ["migrate", "doctor"])
def test_an_unavailable_database_is_named_in_one_line_without_its_password(
    command: str, run: CliRunner, databases: PostgresDatabases, monkeypatch: pytest.MonkeyPatch
) -> None:
    for reason, url in wrong_urls(databases).items():
        monkeypatch.setenv("CLOUDKEEP_DATABASE_URL", url)
        result = run.invoke(app, [command])
        assert (result.exit_code, result.stdout) == (REFUSED, ""), reason
        assert LINE.fullmatch(result.stderr), (reason, result.stderr)
        assert not any(secret in result.stderr for secret in (PASSWORD, QUOTED_PASSWORD, "wrong-word"))


def test_a_server_and_a_worker_do_not_start_on_a_database_that_refuses_them(
    databases: PostgresDatabases, tmp_path: Path
) -> None:
    url = next(iter(wrong_urls(databases).values()))
    variables = {"DATA_DIR": str(tmp_path), "DATABASE_URL": url, "PORT": str(free_port())}
    for command, more in (("serve", {}), ("worker", {"REDIS_URL": "redis://127.0.0.1:1"})):
        result = cloudkeep(command, **variables, **more)
        assert result.returncode == REFUSED, result
        assert LINE.search(result.stderr), result
        assert "Traceback" not in result.stderr
        assert not any(secret in result.stderr for secret in (PASSWORD, QUOTED_PASSWORD, "wrong-word"))
