"""The follower verifies chunks before the last one arrives."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from services.uploads.progress.frame import receiving_frame
from services.uploads.progress.progress import Progress
from storage.blobs import LocalBlobStore
from storage.database.connection import atomically
from storage.drive.models import Blob
from storage.progress_stream import RedisEventLog
from storage.redis.client import close_redis, connect_redis
from storage.uploads import receipts
from storage.uploads import uploads as rows
from storage.uploads.models import Upload, UploadStatus
from tests.storage.rows import filled_indexes
from tests.support.server import digest
from tests.support.waiting import eventually
from tests.workers.conftest import CHUNK, fill, new_upload
from tests.workers.uploads.test_reassemble import claim, damage, stored
from workers.job_context import JobContext
from workers.uploads import follower
from workers.uploads.follower import Follower
from workers.uploads.reassemble import reassemble
from workers.worker_membership import WorkerMembership

CONTENT = bytes(range(250)) * 1500
COUNT = -(-len(CONTENT) // CHUNK)


@pytest.fixture
async def progress(redis_url: str, database: str) -> AsyncIterator[Progress]:
    redis = connect_redis(redis_url)
    log = RedisEventLog(redis)
    await log.start()
    yield Progress(log)
    await log.close()
    await close_redis(redis)


@pytest.fixture
async def following(progress: Progress, store: LocalBlobStore) -> AsyncIterator[Follower]:
    running = Follower(store, progress, WorkerMembership("one"))
    task = asyncio.create_task(running.run(lambda: None))
    # The first step subscribes.
    await asyncio.sleep(0)
    yield running
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


@pytest.fixture
async def upload(store: LocalBlobStore, database: str) -> Upload:
    made = await new_upload(CONTENT)
    await store.stage(str(made.id), made.size)
    return made


async def send(store: LocalBlobStore, progress: Progress, upload: Upload, *indexes: int) -> None:
    """Let chunks arrive and publish the events, as the API does."""
    for index in indexes:
        await progress.publish(receiving_frame(upload.id, await fill(store, upload, CONTENT, index), upload.size))


async def verified(following: Follower, upload: Upload, index: int) -> None:
    """Wait until the follower has reached this slot."""

    async def look() -> bool:
        followed = following._followed.get(upload.id)
        return followed is not None and followed.verification.index == index

    await eventually(look)


async def test_chunks_are_verified_while_others_are_still_to_come(
    following: Follower, store: LocalBlobStore, progress: Progress, upload: Upload
) -> None:
    await send(store, progress, upload, 0, 1)
    await verified(following, upload, 2)
    await send(store, progress, upload, 2)
    await verified(following, upload, 3)
    verification = await following.take(upload)
    assert (verification.index, verification.done, verification.damaged) == (3, 3 * CHUNK, [])
    assert verification.sha256 == digest(CONTENT[: 3 * CHUNK])


async def test_it_waits_at_a_gap_and_continues_behind_it(
    following: Follower, store: LocalBlobStore, progress: Progress, upload: Upload
) -> None:
    await send(store, progress, upload, 0, 2, 3)
    await verified(following, upload, 1)
    await send(store, progress, upload, 1)
    await verified(following, upload, 4)


async def test_what_arrived_before_it_looked_is_caught_up_with(
    following: Follower, store: LocalBlobStore, progress: Progress, upload: Upload, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follower, "SLOTS_PER_TURN", 2)
    for index in range(COUNT - 2):
        await fill(store, upload, CONTENT, index)
    await send(store, progress, upload, COUNT - 2)
    await verified(following, upload, COUNT - 1)


async def test_damage_is_known_before_the_upload_is_whole(
    following: Follower, store: LocalBlobStore, progress: Progress, upload: Upload, tmp_path: Path
) -> None:
    await send(store, progress, upload, 1)
    damage(tmp_path, upload, CHUNK + 5)
    await send(store, progress, upload, 0, 2)
    await verified(following, upload, 3)
    assert (await following.take(upload)).damaged == [1]


async def test_an_upload_without_a_follower_is_verified_from_its_start(following: Follower, upload: Upload) -> None:
    assert (await following.take(upload)).index == 0


async def test_what_was_handed_over_is_not_followed_any_more(
    following: Follower, store: LocalBlobStore, progress: Progress, upload: Upload
) -> None:
    await send(store, progress, upload, 0)
    await verified(following, upload, 1)
    await following.take(upload)
    assert (await following.take(upload)).index == 0


async def test_what_was_verified_before_its_slot_was_opened_again_is_not_handed_over(
    following: Follower, store: LocalBlobStore, progress: Progress, upload: Upload
) -> None:
    await send(store, progress, upload, 0, 1)
    await verified(following, upload, 2)
    await atomically(lambda: receipts.reopen(upload.id, [1]))
    # The same bytes, but this receipt was not verified.
    await fill(store, upload, CONTENT, 1)
    assert (await following.take(upload)).index == 0


async def test_a_slot_that_is_opened_again_behind_what_was_verified_costs_nothing(
    following: Follower, store: LocalBlobStore, progress: Progress, upload: Upload
) -> None:
    await send(store, progress, upload, 0, 1, 3)
    await verified(following, upload, 2)
    await atomically(lambda: receipts.reopen(upload.id, [3]))
    assert (await following.take(upload)).index == 2


@pytest.mark.parametrize("seen", [False, True], ids=["verified-before-it-was-damaged", "found-damaged"])
async def test_what_came_for_a_slot_that_another_worker_opened_again_is_in_the_files_digest(
    following: Follower,
    context: JobContext,
    store: LocalBlobStore,
    progress: Progress,
    upload: Upload,
    tmp_path: Path,
    seen: bool,
) -> None:
    await send(store, progress, upload, 1)
    if seen:
        damage(tmp_path, upload, CHUNK)
    await send(store, progress, upload, 0)
    await verified(following, upload, 2)
    if not seen:
        damage(tmp_path, upload, CHUNK)
    for index in range(2, COUNT):
        await fill(store, upload, CONTENT, index)
    # The owner is busy.
    await reassemble(await claim(), context)
    assert await filled_indexes(upload.id) == [0, *range(2, COUNT)]
    changed = CONTENT[:CHUNK] + bytes(CHUNK) + CONTENT[2 * CHUNK :]
    await fill(store, upload, changed, 1)
    await reassemble(await claim(), replace(context, follower=following))
    blob = await Blob.get()
    assert (blob.sha256, await stored(store, blob.key, len(changed))) == (digest(changed), changed)


async def test_an_upload_that_is_given_up_is_forgotten(
    following: Follower, store: LocalBlobStore, progress: Progress, upload: Upload
) -> None:
    await send(store, progress, upload, 0)
    await verified(following, upload, 1)
    await send(store, progress, upload, 1)
    await rows.abort(upload.id)
    await store.discard(str(upload.id))
    await progress.publish(receiving_frame(upload.id, 0, upload.size))

    async def look() -> bool:
        followed = following._followed.get(upload.id)
        return followed is None or followed.task is None or followed.task.done()

    await eventually(look)
    assert (await Upload.get(id=upload.id)).status is UploadStatus.ABORTED


async def test_of_too_many_the_one_that_is_silent_for_longest_is_forgotten(
    following: Follower, store: LocalBlobStore, progress: Progress, upload: Upload, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follower, "MAX_FOLLOWED", 1)
    other = await new_upload(CONTENT)
    await store.stage(str(other.id), other.size)
    await send(store, progress, upload, 0)
    await verified(following, upload, 1)
    await send(store, progress, other, 0)
    await verified(following, other, 1)
    assert list(following._followed) == [other.id]
    await send(store, progress, upload, 1)
    await verified(following, upload, 2)
