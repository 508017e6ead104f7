import asyncio
import json
import os
import sqlite3
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from cloudkeep import __version__
from cloudkeep.supervisor.process import ProcessSpec
from cloudkeep.supervisor.restarts import ManagedProcess
from storage.jobs.worker_heartbeat import WorkerHeartbeats
from storage.redis.client import connect_redis
from storage.redis.valkey import EmbeddedValkey
from tests.support.process import cloudkeep, free_port
from tests.support.server import http_client
from tests.support.waiting import eventually

#: Starts a worker that only prints the name of its event loop's module.
WHICH_LOOP = """
import asyncio
from cloudkeep.cli import commands
from cloudkeep.supervisor import worker_process

async def run_worker(settings, heartbeat):
    print(type(asyncio.get_running_loop()).__module__)

worker_process.run_worker = run_worker
commands.worker()
"""


def test_the_version_is_printed() -> None:
    assert cloudkeep("--version").stdout == f"CloudKeep {__version__}\n"


@pytest.mark.parametrize("command", ["serve", "worker", "migrate"])
def test_a_wrong_setting_ends_every_command_with_one_line(command: str) -> None:
    result = cloudkeep(command, PORT="abc")
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == "cloudkeep: CLOUDKEEP_PORT: must be between 1 and 65535, not 'abc'\n"


@pytest.mark.parametrize("setting", ["DATA_DIR", "DATABASE_URL", "BLOB_URL"])
def test_a_folder_that_cannot_be_created_ends_the_start_with_one_line(setting: str, tmp_path: Path) -> None:
    scheme = {"DATABASE_URL": "sqlite://", "BLOB_URL": "file://"}.get(setting, "")
    (tmp_path / "file").touch()
    wrong = {"DATA_DIR": str(tmp_path), setting: f"{scheme}{tmp_path}/file/folder/x"}
    result = cloudkeep("serve", **wrong)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith(f"cloudkeep: CLOUDKEEP_{setting}: cannot write to {tmp_path}/file/folder")
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize("command", ["migrate", "doctor", "scrub", "grant", "health", "health --worker"])
def test_only_a_server_or_a_worker_creates_a_data_folder(command: str, tmp_path: Path) -> None:
    result = cloudkeep(*command.split(), DATA_DIR=str(tmp_path / "tpyo"))
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == (
        f"cloudkeep: there is no data folder at {tmp_path}/tpyo; `cloudkeep serve` makes it, "
        "or CLOUDKEEP_DATA_DIR names another one\n"
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("setting", "scheme"), [("DATABASE_URL", "sqlite://"), ("BLOB_URL", "file://")])
def test_a_folder_of_another_setting_is_not_created_by_accident(setting: str, scheme: str, tmp_path: Path) -> None:
    wrong = {setting: f"{scheme}{tmp_path}/tpyo/x" if setting == "DATABASE_URL" else f"{scheme}{tmp_path}/tpyo"}
    (data := tmp_path / "data").mkdir()
    result = cloudkeep("migrate", DATA_DIR=str(data), **wrong)
    line = f"cloudkeep: CLOUDKEEP_{setting}: there is no folder {tmp_path}/tpyo; `cloudkeep serve` makes it\n"
    assert (result.returncode, result.stderr) == (2, line)
    assert list(tmp_path.rglob("*")) == [data]


def test_trusted_documents_that_cannot_be_used_end_the_start_with_one_line(tmp_path: Path) -> None:
    path = tmp_path / "documents.json"
    path.write_text('{"Me": "{ me { nothing } }"}')
    result = cloudkeep("serve", DATA_DIR=str(tmp_path), PORT=str(free_port()), TRUSTED_DOCUMENTS=str(path))
    assert result.returncode == 2
    line = f"cloudkeep: CLOUDKEEP_TRUSTED_DOCUMENTS: {path}: 'Me': Cannot query field 'nothing' on type 'Account'.\n"
    assert result.stderr == line


def test_a_separate_worker_needs_the_url_of_redis(tmp_path: Path) -> None:
    result = cloudkeep("worker", DATA_DIR=str(tmp_path))
    assert result.returncode == 2
    assert result.stderr.startswith("cloudkeep: CLOUDKEEP_REDIS_URL: must be set")


@pytest.fixture
def _no_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Disable all other sources of keys for S3, so that the lookup fails at once."""
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))


@pytest.mark.usefixtures("_no_keys")
def test_the_doctor_says_in_one_line_that_the_store_is_unavailable(tmp_path: Path) -> None:
    assert cloudkeep("migrate", DATA_DIR=str(tmp_path)).returncode == 0
    result = cloudkeep("doctor", DATA_DIR=str(tmp_path), BLOB_URL="s3://bucket")
    assert (result.returncode, result.stderr.splitlines()[-1]) == (2, "cloudkeep: there are no credentials for S3")
    assert result.stdout == "BUCKET_RULES the bucket: its rules cannot be read (there are no credentials for S3)\n"


@pytest.mark.usefixtures("_no_keys")
def test_a_worker_that_cannot_use_the_bucket_does_not_start(tmp_path: Path) -> None:
    result = cloudkeep("worker", DATA_DIR=str(tmp_path), REDIS_URL="redis://127.0.0.1:1", BLOB_URL="s3://bucket")
    assert (result.returncode, result.stdout) == (2, "")
    assert (
        result.stderr
        == "cloudkeep: CLOUDKEEP_S3_ACCESS_KEY, CLOUDKEEP_S3_SECRET_KEY: there are no credentials for S3\n"
    )


def test_a_warning_about_settings_has_the_format_of_the_settings(tmp_path: Path) -> None:
    result = cloudkeep("migrate", DATA_DIR=str(tmp_path), LOG_FORMAT="JSON", PROT="9000")
    assert (
        json.loads(result.stderr.splitlines()[0])["event"]
        == "CLOUDKEEP_PROT is not a setting; did you mean CLOUDKEEP_PORT?"
    )


def test_migrate_creates_the_tables_and_can_be_repeated(tmp_path: Path) -> None:
    for _ in range(2):
        result = cloudkeep("migrate", DATA_DIR=str(tmp_path))
        assert (result.returncode, result.stdout) == (0, "The database is up to date.\n")
        place = f"Data folder: {tmp_path}\nDatabase: sqlite://{tmp_path}/cloudkeep.sqlite3\n"
        assert result.stderr == place
    with sqlite3.connect(tmp_path / "cloudkeep.sqlite3") as connection:
        assert connection.execute("SELECT count(*) FROM sqlite_master WHERE type = 'table'").fetchone()[0] > 0
    connection.close()


def test_a_file_that_is_not_a_database_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "cloudkeep.sqlite3").write_text("something else altogether")
    result = cloudkeep("migrate", DATA_DIR=str(tmp_path))
    assert result.returncode == 2
    assert result.stderr.endswith("the database cannot be used: DatabaseError: file is not a database\n")
    assert result.stderr.count("\n") == 1


def test_a_worker_runs_on_uvloop(tmp_path: Path) -> None:
    settings = {"CLOUDKEEP_DATA_DIR": str(tmp_path), "CLOUDKEEP_REDIS_URL": "redis://127.0.0.1:1"}
    command = [sys.executable, "-c", WHICH_LOOP]
    result = subprocess.run(command, env=os.environ | settings, capture_output=True, text=True, timeout=60, check=False)
    assert (result.returncode, result.stdout) == (0, "uvloop\n"), result.stderr


async def test_a_separate_worker_shows_its_health_and_stops_on_sigterm(tmp_path: Path, valkey: EmbeddedValkey) -> None:
    command = (sys.executable, "-m", "cloudkeep", "worker")
    port = str(free_port())
    variables = {"DATA_DIR": str(tmp_path), "REDIS_URL": valkey.url, "WORKER_PORT": port}
    settings = {f"CLOUDKEEP_{name}": value for name, value in variables.items()}
    worker = ManagedProcess(ProcessSpec("worker", command, settings), os.environ)
    health = partial(asyncio.to_thread, cloudkeep, "health", "--worker", DATA_DIR=str(tmp_path))
    async with connect_redis(valkey.url) as redis, http_client(f"http://127.0.0.1:{port}") as http:
        heartbeats = WorkerHeartbeats(redis)
        await worker.start()
        await eventually(heartbeats.any_alive)
        assert (await http.get("/healthz")).json() == {"status": "ok"}
        assert (await http.get("/metrics")).status_code == 200
        assert (await http.get("/metrics", headers={"Host": "evil.example"})).status_code == 421
        well = await health()
        assert (well.returncode, well.stdout[:9], well.stdout.count("\n")) == (0, "Running: ", 1)
        await worker.stop(60)
        assert await worker.wait() == 0
        assert not await heartbeats.any_alive()
        ill = await health()
        assert (ill.returncode, ill.stdout) == (1, f"No worker runs in {tmp_path}.\n")
