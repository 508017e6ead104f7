"""Progress while the database or Redis is away."""

import asyncio
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest

from services.uploads.progress.progress import Progress
from storage.database.connection import close_database, open_database
from storage.errors import DatabaseUnavailable
from storage.progress_stream import RedisEventLog
from storage.redis.valkey import EmbeddedValkey
from storage.uploads.models import UploadStatus
from tests.services.uploads.progress.watching import (
    READY,
    REASSEMBLING,
    RECEIVING,
    Watcher,
    set_status,
    stages,
)
from tests.storage.rows import new_upload, receive, receive_all
from tests.support.backends.databases import PostgresDatabases
from tests.support.faults.proxy import Proxy, proxy


@pytest.fixture
async def line(databases: PostgresDatabases, database_url: str) -> AsyncIterator[Proxy]:
    """The proxy of this process's connections to the database."""
    port = databases.server.port
    async with proxy(port) as running:
        await open_database(database_url.replace(f":{port}/", f":{urlsplit(running.url).port}/"))
        yield running
        await close_database()


async def test_after_silence_the_database_is_looked_at_again(
    progress: Progress, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.uploads.progress.upload_states.SILENCE_SECONDS", 0.05)
    upload = await new_upload(chunks=3)
    watcher = Watcher(progress, upload)
    await watcher.next()
    await receive(upload, 0)
    assert (await watcher.next()).bytes_done == 10
    await set_status(upload, UploadStatus.EXPIRED)
    assert stages(await watcher.rest()) == [RECEIVING, UploadStatus.EXPIRED]


@pytest.mark.postgres
async def test_a_watcher_whose_database_goes_away_still_learns_the_end(
    line: Proxy, log: RedisEventLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.uploads.progress.upload_states.SILENCE_SECONDS", 0.05)
    upload = await new_upload()
    watcher = Watcher(Progress(log), upload)
    await watcher.next()
    line.open = False
    line.cut()
    following = asyncio.create_task(watcher.rest())
    asked = asyncio.create_task(line.refuses(3))
    await asyncio.wait({following, asked}, return_when=asyncio.FIRST_COMPLETED)
    assert not following.done(), following.result()
    line.open = True
    await set_status(upload, UploadStatus.ABORTED)
    assert stages(await following) == [RECEIVING, UploadStatus.ABORTED]


@pytest.mark.postgres
async def test_no_watch_starts_while_the_database_is_away(line: Proxy, log: RedisEventLog) -> None:
    upload = await new_upload()
    line.open = False
    line.cut()
    with pytest.raises(DatabaseUnavailable):
        await Watcher(Progress(log), upload).next()


async def test_a_watcher_whose_redis_goes_away_still_learns_the_end(
    progress: Progress, valkey: EmbeddedValkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.uploads.progress.upload_states.SILENCE_SECONDS", 0.1)
    upload = await new_upload()
    watcher = Watcher(progress, upload)
    await watcher.next()
    valkey.kill()
    await valkey.wait()
    await receive_all(upload)
    await watcher.until(REASSEMBLING)
    await set_status(upload, READY)
    await progress.publish_snapshot(upload.id)
    assert stages(await watcher.rest()) == [RECEIVING, REASSEMBLING, READY]


async def test_who_begins_to_watch_without_redis_learns_the_end_too(
    progress: Progress, valkey: EmbeddedValkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.uploads.progress.upload_states.SILENCE_SECONDS", 0.1)
    valkey.kill()
    await valkey.wait()
    upload = await new_upload()
    watcher = Watcher(progress, upload)
    await watcher.next()
    await set_status(upload, UploadStatus.FAILED)
    assert stages(await watcher.rest()) == [RECEIVING, UploadStatus.FAILED]


async def test_a_log_that_is_away_costs_a_frame_and_not_the_work(progress: Progress, valkey: EmbeddedValkey) -> None:
    upload = await new_upload()
    valkey.kill()
    await valkey.wait()
    await progress.publish_snapshot(upload.id)
