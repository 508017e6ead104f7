"""Progress of uploads in the activity of an account."""

import asyncio
from uuid import UUID

import pytest

from services.activity import upload_frames, watcher
from services.activity.watcher import Watcher
from services.changes.cursors import FeedCursor
from services.changes.watched_feeds import WatchedFeed
from services.uploads.progress.frame import ProgressFrame, bytes_frame
from storage.events.models import Event
from storage.redis.valkey import EmbeddedValkey
from storage.uploads.models import Upload, UploadStatus
from tests.services.activity.conftest import Process
from tests.services.activity.watching import Watching, new_upload, set_status
from tests.services.changes.rows import change
from tests.support.waiting import PATIENCE_SECONDS

RECEIVING, REASSEMBLING, READY = UploadStatus.RECEIVING, UploadStatus.REASSEMBLING, UploadStatus.READY
MANY = 300


def received(upload: Upload, count: int) -> ProgressFrame:
    return bytes_frame(upload.id, RECEIVING, count, upload.size)


@pytest.fixture
def _eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compare with the database all the time."""
    monkeypatch.setattr(upload_frames, "SILENCE_SECONDS", 0.05)


async def test_the_progress_of_open_uploads_comes_before_the_first_heartbeat(here: Process, ada: UUID) -> None:
    uploads = [await new_upload(ada, received_bytes=count) for count in (0, 50)]
    ended = await new_upload(ada, status=READY)
    items = await change(ada)
    watching = Watching(here.activity, ada, str(FeedCursor()))
    await watching.complete()
    assert [type(frame.subject) for frame in watching.frames] == [Event, ProgressFrame, ProgressFrame, type(None)]
    assert watching.changed == items
    assert [[frame.percent for frame in watching.progress_of(upload)] for upload in uploads] == [[0.0], [50.0]]
    assert watching.progress_of(ended) == []
    await watching.leave()


async def test_the_progress_of_every_upload_is_on_one_stream(here: Process, other: Process, ada: UUID) -> None:
    watching = Watching(here.activity, ada)
    await watching.complete()
    one, two = await new_upload(ada), await new_upload(ada)
    await other.progress.publish(received(one, 10), ada)
    await other.progress.publish(received(two, 20), ada)
    await watching.until(lambda: bool(watching.progress_of(one) and watching.progress_of(two)))
    for upload in (one, two):
        await set_status(upload, READY)
        await other.progress.publish_snapshot(upload.id)
        frame = await watching.until_stage(upload, READY)
        assert (frame.percent, frame.upload_id) == (100.0, upload.id)
    await watching.leave()


async def test_a_new_upload_is_shown_before_its_first_chunk(here: Process, other: Process, ada: UUID) -> None:
    watching = Watching(here.activity, ada)
    await watching.complete()
    upload = await new_upload(ada)
    other.progress.announce(upload)
    assert (await watching.until_stage(upload, RECEIVING)).percent == 0.0
    await watching.leave()


async def test_an_account_sees_no_progress_of_another(here: Process, ada: UUID, bob: UUID) -> None:
    upload, other_upload = await new_upload(ada), await new_upload(bob)
    watching = Watching(here.activity, ada)
    await watching.complete()
    await here.progress.publish(received(other_upload, 10), bob)
    await here.progress.publish(received(upload, 10), ada)
    await watching.until(lambda: len(watching.progress_of(upload)) == 2)
    assert watching.progress_of(other_upload) == []
    await watching.leave()


async def test_within_a_stage_the_percentage_never_goes_back(here: Process, ada: UUID) -> None:
    upload = await new_upload(ada)
    watching = Watching(here.activity, ada)
    await watching.complete()
    for count in (10, 30, 20, 90):
        await here.progress.publish(received(upload, count), ada)
    await watching.until(
        lambda: watching.progress_of(upload)[-1:] == [] or watching.progress_of(upload)[-1].percent == 90
    )
    percents = [frame.percent for frame in watching.progress_of(upload)]
    assert percents == sorted(percents)
    await watching.leave()


async def test_an_event_that_comes_late_does_not_end_an_upload(here: Process, ada: UUID) -> None:
    """The database decides: a worker that was slow may report an end from before a retry."""
    upload = await new_upload(ada)
    watching = Watching(here.activity, ada)
    await watching.complete()
    await here.progress.publish(ProgressFrame(upload.id, UploadStatus.FAILED, 0.0), ada)
    await here.progress.publish(received(upload, 10), ada)
    await watching.until(lambda: len(watching.progress_of(upload)) == 2)
    assert {frame.stage for frame in watching.progress_of(upload)} == {RECEIVING}
    await watching.leave()


async def test_an_upload_that_has_ended_stays_ended_until_it_is_retried(here: Process, ada: UUID) -> None:
    upload, last = await new_upload(ada, status=REASSEMBLING), await new_upload(ada)
    watching = Watching(here.activity, ada)
    await watching.complete()
    await set_status(upload, UploadStatus.FAILED)
    for _ in range(2):
        await here.progress.publish_snapshot(upload.id)
    await watching.until_stage(upload, UploadStatus.FAILED)
    await here.progress.publish(bytes_frame(upload.id, REASSEMBLING, 50, 100), ada)
    await here.progress.publish(received(last, 10), ada)
    await watching.until(lambda: len(watching.progress_of(last)) == 2)
    assert [frame.stage for frame in watching.progress_of(upload)] == [REASSEMBLING, UploadStatus.FAILED]
    await set_status(upload, REASSEMBLING)
    await here.progress.publish_snapshot(upload.id)
    await watching.until(lambda: len(watching.progress_of(upload)) == 3)
    assert watching.progress_of(upload)[-1].stage is REASSEMBLING
    await watching.leave()


@pytest.mark.usefixtures("_eager")
async def test_without_redis_progress_comes_from_the_database(valkey: EmbeddedValkey, here: Process, ada: UUID) -> None:
    upload = await new_upload(ada)
    watching = Watching(here.activity, ada)
    await watching.complete()
    valkey.kill()
    await valkey.wait()
    later = await new_upload(ada)
    await watching.until_stage(later, RECEIVING)
    await Upload.filter(id=upload.id).update(received_bytes=70)
    await watching.until(lambda: watching.progress_of(upload)[-1].percent == 70.0)
    await set_status(upload, READY)
    await watching.until_stage(upload, READY)
    await watching.leave()


@pytest.mark.usefixtures("_eager")
async def test_an_upload_whose_row_was_purged_is_forgotten(here: Process, ada: UUID) -> None:
    upload, other_upload = await new_upload(ada), await new_upload(ada)
    watching = Watching(here.activity, ada)
    await watching.complete()
    await Upload.filter(id=upload.id).delete()
    await Upload.filter(id=other_upload.id).update(received_bytes=70)
    await watching.until(lambda: watching.progress_of(other_upload)[-1].percent == 70.0)
    again = Watching(here.activity, ada)
    await again.complete()
    assert again.progress_of(upload) == []
    await watching.leave()
    await again.leave()


async def test_a_slow_watcher_gets_every_change_and_the_newest_progress(here: Process, ada: UUID) -> None:
    upload = await new_upload(ada)
    watching, quick = Watching(here.activity, ada), Watching(here.activity, ada)
    await watching.complete()
    await quick.complete()
    items = await change(ada, 3)
    here.notifier.notify(ada)
    for count in (10, 20, 30, 40):
        await here.progress.publish(received(upload, count), ada)
        await quick.until(lambda count=count: quick.progress_of(upload)[-1].percent == count)  # type: ignore[misc]
    await watching.until_changed(items)
    await watching.until(lambda: len(watching.progress_of(upload)) == 2)
    assert watching.progress_of(upload)[-1].percent == 40.0
    await watching.leave()
    await quick.leave()


async def test_progress_is_not_kept_back_by_many_changes(here: Process, ada: UUID) -> None:
    upload = await new_upload(ada)
    watching = Watching(here.activity, ada)
    await watching.complete()
    await change(ada, 50)
    here.notifier.notify(ada)
    await watching.until(lambda: len(watching.changed) == 1)
    await here.progress.publish(received(upload, 10), ada)
    # So that it is there.
    other = Watching(here.activity, ada)
    await other.complete()
    await other.until(lambda: other.progress_of(upload)[-1].percent == 10.0)
    await watching.until(lambda: len(watching.progress_of(upload)) == 2)
    assert len(watching.changed) < 10
    await watching.leave()
    await other.leave()


async def test_many_open_uploads_wait_in_bounded_memory(here: Process, ada: UUID) -> None:
    rows = [
        Upload(account_id=ada, file_name="a", mime_type="a/b", size=100, chunk_size=10, expires_at="2030-01-01T00:00Z")
        for _ in range(MANY)
    ]
    await Upload.bulk_create(rows)
    watching = Watching(here.activity, ada)
    await watching.complete()
    assert len(watching.frames) == MANY + 1
    for count in (10, 20):
        for upload in rows:
            here.log.post(str(upload.id), received(upload, count).to_payload(), str(ada))
        await asyncio.sleep(0.3)
    await watching.until(lambda: watching.progress_of(rows[-1])[-1].percent == 20.0)
    assert len(watching.frames) <= 3 * MANY + 1
    await watching.leave()


def test_more_progress_than_a_watcher_may_have_waiting_replaces_the_oldest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watcher, "MAX_UPLOADS", 3)
    feed = WatchedFeed(UUID(int=1), asyncio.Semaphore(), lambda _: None)
    slow = Watcher(feed, {}, FeedCursor(), FeedCursor())
    for number in range(10):
        slow.offer(bytes_frame(UUID(int=number), RECEIVING, 1, 2))
    assert [upload_id.int for upload_id in slow._progress] == [7, 8, 9]


async def test_the_first_heartbeat_does_not_wait_for_progress_that_was_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watcher, "MAX_UPLOADS", 2)
    feed = WatchedFeed(UUID(int=1), asyncio.Semaphore(), lambda _: None)
    frames = [bytes_frame(UUID(int=number), RECEIVING, 1, 2) for number in range(3)]
    slow = Watcher(feed, {frame.upload_id: frame for frame in frames[:2]}, FeedCursor(), FeedCursor())
    monkeypatch.setattr(slow, "_read_changes", lambda: asyncio.sleep(0))
    ready = slow.frames()
    first = await anext(ready)
    slow.offer(frames[2])
    async with asyncio.timeout(PATIENCE_SECONDS):
        taken = [first.take().subject] + [(await anext(ready)).take().subject for _ in range(2)]
    assert taken == [frames[1], None, frames[2]]
    await ready.aclose()


async def test_a_quiet_account_gets_heartbeats(here: Process, ada: UUID, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watcher, "HEARTBEAT_SECONDS", 0.05)
    watching = Watching(here.activity, ada)
    for _ in range(3):
        assert (await watching.next()).subject is None
    await watching.leave()
