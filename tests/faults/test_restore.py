"""A restored database beside the stored bytes of later: every file that was READY is there again.

``make test`` restores once, with files on a disk; ``make faults`` with files on S3 as well.
"""

import asyncio
import os
import secrets
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from storage.uploads.models import Upload, UploadStatus
from tests.e2e.conftest import sign_up
from tests.faults.arming import Arming
from tests.faults.journeys import ABORT, DELETE, Stage
from tests.support.backends.databases import Databases
from tests.support.backends.dumps import dump, restore
from tests.support.backends.s3 import ACCESS_KEY, SECRET_KEY, S3Server
from tests.support.process import cloudkeep, serving
from tests.support.server import Api, Json, http_client, part_of
from tests.support.uploads import (
    PATIENCE_SECONDS,
    Sent,
    assert_whole,
    begin,
    fill,
    look,
    padded_clip,
    persistent_data,
    to_the_end,
)
from tests.support.waiting import eventually

#: Every store accepts slots of this size.
CHUNK = 5 * 1024 * 1024
SIZE = 2 * CHUNK + 77
EXPIRED = timedelta(minutes=1)
SETTINGS = {"CLOUDKEEP_ACCESS_TOKEN_TTL": "86400", "CLOUDKEEP_JOB_LEASE": "10"}

StoreSettings = Callable[[], Mapping[str, str]]


@pytest.fixture
def on_disk() -> StoreSettings:
    return dict


@pytest.fixture
def on_s3(request: pytest.FixtureRequest) -> StoreSettings:
    def settings() -> Mapping[str, str]:
        server: S3Server = request.getfixturevalue("s3")
        return {
            "CLOUDKEEP_BLOB_URL": server.url(server.new_place()),
            "CLOUDKEEP_S3_ACCESS_KEY": ACCESS_KEY,
            "CLOUDKEEP_S3_SECRET_KEY": SECRET_KEY,
        }

    return settings


def a_file(name: str, *, video: bool = False) -> Sent:
    content = padded_clip(SIZE) if video else secrets.token_bytes(SIZE)
    return Sent(content, name, compress=video, chunk_size=CHUNK)


class Files:
    """The uploads of the drill, by what happens to them."""

    def __init__(self) -> None:
        self.ready, self.expired, self.resumed = a_file("ready"), a_file("expired"), a_file("resumed")
        self.late, self.aborted, self.deleted = a_file("late"), a_file("aborted"), a_file("deleted")
        self.new, self.video, self.foreign = a_file("new"), a_file("new.mp4", video=True), a_file("foreign")
        self.second = Sent(self.ready.content, "ready again", chunk_size=CHUNK)

    @property
    def all(self) -> list[Sent]:
        """Those that must be there in the end."""
        return [self.ready, self.deleted, self.expired, self.resumed, self.late, self.new, self.video, self.second]


async def before_the_dump(person: Api, files: Files) -> None:
    """Two files are READY, and several uploads lack their last chunk."""
    for sent in (files.ready, files.deleted):
        await begin(person, sent)
        await to_the_end(person, sent)
    for sent in (files.expired, files.resumed, files.late, files.aborted):
        await fill(person, sent, (await begin(person, sent))["slots"]["nodes"][:-1])


async def after_the_dump(person: Api, newcomer: Api, files: Files) -> None:
    """A file is deleted, two uploads become READY, another is aborted; new files become READY, one of a new account."""
    file = (await look(person, files.deleted))["file"]["id"]
    assert (await persistent_data(person, DELETE, ids=[file]))["userErrors"] == []
    for sent in (files.expired, files.resumed):
        await to_the_end(person, sent)
    payload = await persistent_data(person, ABORT, id=files.aborted.upload_id)
    assert payload["userErrors"] == []
    for owner, sent in (
        (person, files.new),
        (person, files.video),
        (person, files.second),
        (newcomer, files.foreign),
    ):
        await begin(owner, sent)
        await to_the_end(owner, sent)


async def expire(stage: Stage, *uploads: Sent) -> None:
    """Let these uploads expire, which are RECEIVING again."""
    async with stage.database():
        for sent in uploads:
            upload = await Upload.get(id=sent.key)
            assert upload.status is UploadStatus.RECEIVING
            await Upload.filter(id=sent.key).update(expires_at=datetime.now(UTC) - EXPIRED)


async def resume(person: Api, sent: Sent) -> None:
    """Send the missing chunk of an upload that was READY, as its client does: the server has all of its bytes."""
    (slot,) = (await look(person, sent))["slots"]["nodes"]
    answer = await person.http.put(slot["url"], content=part_of(slot, sent.content))
    assert answer.status_code == httpx.codes.CONFLICT, answer.text
    assert answer.json()["code"] == "UPLOAD_CLOSED"


async def whole(person: Api, sent: Sent) -> None:
    """Wait until the file is READY, and download it."""

    async def ready() -> Json | None:
        upload = await look(person, sent)
        return upload if upload["status"] == "READY" else None

    await assert_whole(person, await eventually(ready, PATIENCE_SECONDS), sent.content, sent.compress)


def doctor(root: Path, settings: Mapping[str, str]) -> list[str]:
    """The lines of ``cloudkeep doctor --fix``, but those about the rules of a bucket."""
    given = {name.removeprefix("CLOUDKEEP_"): value for name, value in settings.items()}
    done = cloudkeep("doctor", "--fix", DATA_DIR=str(root), **given)
    assert done.returncode in {0, 1}, done.stderr
    return [line for line in done.stdout.splitlines()[:-1] if not line.startswith("BUCKET_")]


@pytest.mark.parametrize(
    "place",
    [
        "on_disk",
        pytest.param("on_s3", marks=pytest.mark.skipif("FAULT_STEPS" not in os.environ, reason="make faults runs it")),
    ],
)
async def test_every_file_is_there_again_after_an_older_database_was_restored(
    place: str, request: pytest.FixtureRequest, tmp_path: Path, databases: Databases, empty_database: str
) -> None:
    arming, root = Arming(tmp_path / "faults", databases.postmaster), tmp_path / "data"
    stored: StoreSettings = request.getfixturevalue(place)
    settings = {**SETTINGS, "CLOUDKEEP_DATABASE_URL": empty_database, **stored()}
    files, copy = Files(), tmp_path / "copy"
    with serving(root, None, **settings, **arming.environment) as process:
        async with http_client(process.url) as http, http_client(process.url) as other:
            person = await sign_up(http, process)
            await before_the_dump(person, files)
            await asyncio.to_thread(dump, empty_database, copy)
            await after_the_dump(person, await sign_up(other, process), files)
        token = person.http.headers["Authorization"]
    await asyncio.to_thread(restore, empty_database, copy)
    with serving(root, None, **settings, **arming.environment) as process:
        async with http_client(process.url) as http:
            http.headers["Authorization"] = token
            person = Api(http)
            stage = Stage(process, person, root, empty_database, "restored")
            await expire(stage, files.expired, files.aborted)
            await resume(person, files.resumed)
            await to_the_end(person, files.late)
            lines = await asyncio.to_thread(doctor, root, settings)
            assert {line.split()[1].rstrip(":") for line in lines if line.endswith("-> adopted")} >= {
                str(files.new.key),
                str(files.video.key),
                str(files.second.key),
            }
            for sent in files.all:
                await whole(person, sent)

            async def is_closed() -> bool:
                return bool((await look(person, files.aborted))["status"] == "EXPIRED")

            await eventually(is_closed, PATIENCE_SECONDS)
            assert await asyncio.to_thread(doctor, root, settings) == []
