"""A backup of a running server and its restore on a new one: on every database (``--whole``) and on both stores."""

import asyncio
import random
import subprocess
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest

from cloudkeep.settings.settings import Settings
from tests.conftest import KEYS
from tests.support.backends.databases import Databases
from tests.support.backends.s3 import ACCESS_KEY, SECRET_KEY, S3Server
from tests.support.process import cloudkeep, serving
from tests.support.server import Api, http_client

CONTENTS = [random.Random(number).randbytes(size) for number, size in enumerate((1, 300_000, 6_000_000))]
MORE = random.Random(9).randbytes(200_000)
Result = subprocess.CompletedProcess[str]


@pytest.fixture(params=["local", "s3"])
def blob_url(request: pytest.FixtureRequest) -> str | None:
    """A place for the blobs of the first server; None for its data folder."""
    if request.param == "local":
        return None
    s3: S3Server = request.getfixturevalue("s3")
    return s3.url(s3.new_place())


@pytest.fixture
def settings(settings: Settings, blob_url: str | None, tmp_path: Path) -> Settings:
    """The usual settings, with a store of each kind."""
    (tmp_path / "secret.keys").write_text(f"{KEYS[0].kid}:{KEYS[0].secret.decode()}")
    (tmp_path / "secret.keys").chmod(0o600)
    return settings.model_copy(update=place(blob_url))


def place(blob_url: str | None) -> dict[str, str]:
    if blob_url is None:
        return {}
    return {"blob_url": blob_url, "s3_access_key": ACCESS_KEY, "s3_secret_key": SECRET_KEY}


@pytest.fixture
async def new_server(
    settings: Settings,
    databases: Databases,
    blob_url: str | None,
    tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
) -> AsyncIterator[Settings]:
    """Settings of a server on a new machine, on which nothing was stored yet."""
    folder = tmp_path_factory.mktemp("new")
    url = await databases.empty(folder)
    changes: dict[str, object] = {"data_dir": folder, "database_url": url, "blob_url": (folder / "blobs").as_uri()}
    if blob_url:
        s3: S3Server = request.getfixturevalue("s3")
        changes |= place(s3.url(s3.new_place()))
    yield settings.model_copy(update=changes)
    await databases.drop(url)


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for backups, outside the data."""
    return tmp_path_factory.mktemp("usb") / "backups"


async def run(settings: Settings, *arguments: str | Path) -> Result:
    """Run a command with these settings."""
    return await asyncio.to_thread(cloudkeep, *map(str, arguments), **variables_of(settings))


def variables_of(settings: Settings) -> dict[str, str]:
    """The settings of storage, by their names."""
    return {
        "DATA_DIR": str(settings.data_dir),
        "DATABASE_URL": settings.database_url,
        "BLOB_URL": settings.blob_url,
        "S3_ACCESS_KEY": settings.s3_access_key or "",
        "S3_SECRET_KEY": settings.s3_secret_key or "",
    }


async def send(api: Api, content: bytes) -> str:
    """Upload a file until it is stored. Returns the ID of its upload."""
    upload = await api.upload(content)
    assert (await api.frames(upload["id"]))[-1]["stage"] == "READY"
    return str(upload["id"])


@pytest.mark.usefixtures("worker")
async def test_everything_that_was_ready_is_there_on_a_new_machine_and_users_stay_signed_in(
    api: Api, settings: Settings, new_server: Settings, folder: Path
) -> None:
    uploads = [await send(api, content) for content in CONTENTS]
    more = asyncio.create_task(send_for_ever(api))
    made = await run(settings, "backup", "--blobs", folder)
    more.cancel()
    with suppress(asyncio.CancelledError):
        await more
    assert (made.returncode, made.stdout.splitlines()[-1]) == (0, "COMPLETE"), made
    checked = await asyncio.to_thread(cloudkeep, "doctor", "--backup", str(folder), "--verify")
    assert (checked.returncode, checked.stdout) == (0, "All is well.\n"), checked
    restored = await run(new_server, "restore", folder, "--verify")
    assert restored.returncode == 0, restored
    assert (new_server.data_dir / "secret.keys").read_text() == (settings.data_dir / "secret.keys").read_text()
    variables = {f"CLOUDKEEP_{name}": value for name, value in variables_of(new_server).items()}
    with serving(new_server.data_dir, None, (), **variables) as process:
        async with http_client(process.url) as http:
            http.headers["Authorization"] = api.http.headers["Authorization"]
            for upload, content in zip(uploads, CONTENTS, strict=True):
                state = await Api(http).look(upload)
                assert state["status"] == "READY"
                assert (await http.get(state["file"]["downloadUrl"])).content == content


async def send_for_ever(api: Api) -> None:
    while True:
        await send(api, MORE)


@pytest.mark.usefixtures("worker")
async def test_a_backup_without_blobs_is_restored_beside_the_blobs_that_the_store_has(
    api: Api, settings: Settings, new_server: Settings, folder: Path
) -> None:
    await send(api, CONTENTS[1])
    made = await run(settings, "backup", folder)
    assert made.returncode == 0, made
    assert not (folder / "blobs").exists()
    beside = new_server.model_copy(update={"blob_url": settings.blob_url})
    restored = await run(beside, "restore", folder)
    assert (restored.returncode, restored.stdout.splitlines()[-1]) == (0, "Blobs: 1 was there, 0 copied, 0 lost.")
    lost = await run(new_server, "restore", "--force", folder)
    assert lost.returncode == 1
    (line,) = [line for line in lost.stdout.splitlines() if line.startswith("BLOB_LOST")]
    assert "'file.bin' of user-" in line
    assert line.endswith("is missing in the store; in the backup it was not copied, for lack of --blobs")


@pytest.mark.usefixtures("worker")
async def test_a_restore_is_refused_while_a_server_has_the_database_open(
    api: Api, settings: Settings, folder: Path
) -> None:
    """The server of this test has not claimed the data folder, as a worker on another host has not."""
    await send(api, CONTENTS[0])
    assert (await run(settings, "backup", folder)).returncode == 0
    refused = await run(settings, "restore", "--force", folder)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "open" in refused.stderr.splitlines()[-1] or "connections" in refused.stderr.splitlines()[-1]
    await send(api, CONTENTS[1])
