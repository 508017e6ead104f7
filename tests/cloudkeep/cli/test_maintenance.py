"""``cloudkeep doctor`` and ``cloudkeep scrub``, with and without a running server."""

import asyncio
import hashlib
import json
import os
import signal
import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import pytest
from uuid_utils.compat import uuid7

from cloudkeep.settings.settings import Settings
from tests.support.file_age import set_age
from tests.support.process import cloudkeep
from tests.support.server import Api

CONTENT = b"0123456789" * 20_000


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """A data folder in which a server has run before."""
    assert cloudkeep("migrate", DATA_DIR=str(tmp_path)).returncode == 0
    return tmp_path


def leave_an_orphan(data_dir: Path) -> str:
    """Write the blob that a killed compression leaves behind. Returns its key."""
    key = str(uuid4())
    folder = data_dir / "blobs" / "blobs" / key[-2:] / key[-4:-2]
    folder.mkdir(parents=True)
    (folder / key).write_bytes(b"a rendition")
    set_age(data_dir, key)
    return key


def test_the_doctor_says_that_a_healthy_server_is_well(data_dir: Path) -> None:
    result = cloudkeep("doctor", DATA_DIR=str(data_dir))
    assert (result.returncode, result.stdout) == (0, "All is well.\n")
    assert result.stderr == f"Data folder: {data_dir}\nDatabase: sqlite://{data_dir}/cloudkeep.sqlite3\n"


def test_each_finding_is_a_line_and_is_mended_with_the_option(data_dir: Path) -> None:
    key = leave_an_orphan(data_dir)
    line = f"BLOB_ORPHAN {key}: 11 bytes of an interrupted compression"
    for arguments, printed in (
        (["doctor"], [line, "1 found, 0 repaired."]),
        (["doctor", "--mend"], [f"{line} -> removed", "1 found, 1 repaired."]),
    ):
        result = cloudkeep(*arguments, DATA_DIR=str(data_dir))
        assert (result.returncode, result.stdout.splitlines()) == (1, printed)
    assert cloudkeep("doctor", DATA_DIR=str(data_dir)).returncode == 0


@pytest.mark.parametrize("command", ["doctor", "scrub"])
def test_a_database_that_is_not_there_is_not_made(command: str, tmp_path: Path) -> None:
    """In an empty database every blob would look like an orphan."""
    result = cloudkeep(command, DATA_DIR=str(tmp_path))
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith("cloudkeep: CLOUDKEEP_DATABASE_URL: there is no database at ")
    assert not (tmp_path / "cloudkeep.sqlite3").exists()


def test_a_database_without_tables_is_refused_too(tmp_path: Path) -> None:
    (tmp_path / "cloudkeep.sqlite3").touch()
    result = cloudkeep("doctor", DATA_DIR=str(tmp_path))
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.endswith("cloudkeep.sqlite3 has no tables of CloudKeep's\n")
    assert (tmp_path / "cloudkeep.sqlite3").stat().st_size == 0


@pytest.mark.sqlite
@pytest.mark.usefixtures("worker")
async def test_a_running_server_is_examined_and_mended_beside_its_work(settings: Settings, api: Api) -> None:
    upload = await api.upload(CONTENT)
    await api.frames(upload["id"])
    data_dir = settings.data_dir
    leave_an_orphan(data_dir)
    mending = asyncio.create_task(asyncio.to_thread(cloudkeep, "doctor", "--mend", DATA_DIR=str(data_dir)))
    await asyncio.gather(*(api.upload(CONTENT) for _ in range(5)))
    result = await mending
    assert (result.returncode, result.stdout.splitlines()[-1]) == (1, "1 found, 1 repaired."), result
    assert (await api.look(upload["id"]))["status"] == "READY"


@pytest.mark.sqlite
@pytest.mark.usefixtures("worker")
async def test_an_upload_that_lost_its_job_is_ready_after_mending(settings: Settings, api: Api) -> None:
    upload = await api.init(CONTENT)
    with closing(sqlite3.connect(settings.data_dir / "cloudkeep.sqlite3", timeout=30)) as database, database:
        database.execute("UPDATE upload SET status = 'REASSEMBLING'")
    result = await asyncio.to_thread(cloudkeep, "doctor", "--mend", DATA_DIR=str(settings.data_dir))
    assert result.stdout.startswith(f"JOB_MISSING {upload['id']}"), result
    assert result.stdout.splitlines()[0].endswith(" -> queued again")
    for slot in upload["slots"]["nodes"]:
        while (await api.look(upload["id"]))["status"] == "REASSEMBLING":
            await asyncio.sleep(0.05)
        assert (await api.put(slot, CONTENT)).status_code == 200
    assert (await api.frames(upload["id"]))[-1]["stage"] == "READY"


def blob_files(data_dir: Path) -> list[Path]:
    return [path for path in (data_dir / "blobs" / "blobs").rglob("*") if path.is_file()]


def test_a_new_server_has_nothing_to_scrub(data_dir: Path) -> None:
    result = cloudkeep("scrub", DATA_DIR=str(data_dir))
    assert (result.returncode, result.stdout) == (0, "0 blobs, 0.0 MiB read, 0 damaged.\n")


@pytest.mark.parametrize("rate", ["0", "-1", "fast", "10G", "1KiB"])
def test_an_invalid_rate_is_refused(rate: str, tmp_path: Path) -> None:
    result = cloudkeep("scrub", "--rate", rate, DATA_DIR=str(tmp_path))
    assert (result.returncode, result.stdout) == (2, "")
    allowed = "a size per second between 64KiB and 1TiB, as in 10GB or 500GiB (a number without a unit counts MiB)"
    assert result.stderr == f"cloudkeep: --rate must be {allowed}, not '{rate}'\n"


@pytest.mark.parametrize("rate", ["50", "50MB", "0.5"])
def test_a_rate_counts_mib_unless_it_has_a_unit(rate: str, data_dir: Path) -> None:
    assert cloudkeep("scrub", "--rate", rate, DATA_DIR=str(data_dir)).returncode == 0


@pytest.mark.sqlite
@pytest.mark.usefixtures("worker")
async def test_a_flipped_bit_on_disk_is_reported_with_the_name_of_the_file(settings: Settings, api: Api) -> None:
    upload = await api.upload(CONTENT, fileName="holiday.mp4")
    await api.frames(upload["id"])
    folder = str(settings.data_dir)
    assert (await asyncio.to_thread(cloudkeep, "scrub", DATA_DIR=folder)).returncode == 0
    (path,) = blob_files(settings.data_dir)
    path.write_bytes(b"x" + CONTENT[1:])
    result = await asyncio.to_thread(cloudkeep, "scrub", "--rate", "100", DATA_DIR=folder)
    damaged, summary = result.stdout.splitlines()
    assert result.returncode == 1
    assert damaged.startswith(f"BLOB_CHANGED {path.name}: 'holiday.mp4' (version ")
    assert summary == "1 blobs, 0.2 MiB read, 1 damaged."


def add_blobs(data_dir: Path, *sizes: int) -> list[str]:
    """Write sparse blobs of these sizes, with their rows. Returns their keys."""
    keys = [str(uuid4()) for _ in sizes]
    with closing(sqlite3.connect(data_dir / "cloudkeep.sqlite3")) as database, database:
        for key, size in zip(keys, sizes, strict=True):
            values = (str(uuid7()), key, size, hashlib.sha256(bytes(size)).hexdigest(), "2026-11-22 12:00:00+00:00")
            columns = "id, key, size, sha256, created_at"
            database.execute(f"INSERT INTO blob ({columns}) VALUES (?, ?, ?, ?, ?)", values)
            path = data_dir / "blobs" / "blobs" / key[-2:] / key[-4:-2] / key
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("wb") as file:
                file.truncate(size)
    return keys


def path_of(data_dir: Path, key: str) -> Path:
    (path,) = (data_dir / "blobs" / "blobs").rglob(key)
    return path


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
async def test_an_interrupted_scrub_is_resumed_where_it_stopped(data_dir: Path, how: signal.Signals) -> None:
    first, _, last = add_blobs(data_dir, 5, 64 * 1024 * 1024, 7)
    path_of(data_dir, first).unlink()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "cloudkeep", "scrub", "--rate", "0.1"),
        env={**os.environ, "CLOUDKEEP_DATA_DIR": str(data_dir)},
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout
    assert (await process.stdout.readline()).startswith(f"BLOB_MISSING {first}".encode())
    process.send_signal(how)
    async with asyncio.timeout(30):
        assert await process.stdout.read() == b"Interrupted after 1 blobs, 0.0 MiB read, 1 damaged.\n"
        assert await process.wait() == 130
    path_of(data_dir, last).write_bytes(b"changed")
    for printed in (
        ["Resuming after 1 blobs, 0.0 MiB read, 1 damaged.", f"BLOB_CHANGED {last}"],
        [f"BLOB_MISSING {first}", f"BLOB_CHANGED {last}"],
    ):
        result = cloudkeep("scrub", "--rate", "10000", DATA_DIR=str(data_dir))
        assert result.returncode == 1
        *lines, summary = result.stdout.splitlines()
        assert summary == "3 blobs, 64.0 MiB read, 2 damaged."
        assert [line.startswith(start) for line, start in zip(lines, printed, strict=True)] == [True, True]


def test_a_scrub_can_start_from_the_beginning(data_dir: Path) -> None:
    add_blobs(data_dir, 5)
    position = {"last": str(uuid7()), "blobs": 9, "size": 9, "damaged": 1}
    for arguments, code in (([], 1), (["--from-start"], 0)):
        (data_dir / "scrub.json").write_text(json.dumps(position))
        assert cloudkeep("scrub", *arguments, DATA_DIR=str(data_dir)).returncode == code
        assert not (data_dir / "scrub.json").exists()
