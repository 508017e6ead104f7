"""Progress: the frames of a watcher, with the real log and the real database."""

import asyncio
from uuid import uuid4

import pytest

from services.core.errors import InvalidInput, NotFound
from services.uploads.progress.frame import START, ProgressFrame, bytes_frame
from services.uploads.progress.progress import Progress
from services.uploads.progress.throttle import FRAME_SECONDS
from storage.jobs import jobs
from storage.jobs.models import JobKind
from storage.progress_stream import RedisEventLog, position
from storage.uploads import job_results
from storage.uploads.models import UploadStatus
from tests.services.uploads.progress.watching import (
    COMPRESSING,
    READY,
    REASSEMBLING,
    RECEIVING,
    Reads,
    Watcher,
    set_status,
    stages,
)
from tests.storage.rows import LATER, NOW, SHA256, claim, new_upload, receive, receive_all

FINAL = [status for status in UploadStatus if status.is_final]


async def test_a_watcher_sees_first_where_the_upload_stands(progress: Progress) -> None:
    upload = await new_upload(chunks=4)
    await receive(upload, 3)
    watcher = Watcher(progress, upload)
    shown = await watcher.next()
    assert (shown.stage, shown.bytes_done, shown.bytes_total) == (RECEIVING, 7, 37)
    assert shown.percent == pytest.approx(100 * 7 / 37)
    await watcher.leave()


async def test_a_watcher_of_a_job_sees_first_what_was_saved_last(progress: Progress) -> None:
    upload = await new_upload()
    await receive_all(upload)
    assert await progress.snapshot(upload.id) == ProgressFrame(upload.id, REASSEMBLING, 0.0)
    await jobs.save_progress(await claim(), bytes_frame(upload.id, REASSEMBLING, 20, 27, 1.0).to_payload())
    assert await progress.snapshot(upload.id) == bytes_frame(upload.id, REASSEMBLING, 20, 27, 1.0)


async def test_a_missing_upload_cannot_be_watched(progress: Progress) -> None:
    with pytest.raises(NotFound):
        await anext(progress.watch(uuid4()))


async def test_a_cursor_that_this_server_did_not_make_is_refused(progress: Progress) -> None:
    upload = await new_upload()
    with pytest.raises(InvalidInput) as refusal:
        await anext(progress.watch(upload.id, "yesterday"))
    assert refusal.value.field == "after"


@pytest.mark.parametrize("status", FINAL)
async def test_what_has_ended_is_shown_once(status: UploadStatus, progress: Progress) -> None:
    upload = await new_upload()
    await set_status(upload, status)
    (only,) = await Watcher(progress, upload).rest()
    assert (only.stage, only.percent) == (status, 100.0 if status is READY else 0.0)


@pytest.mark.parametrize("status", FINAL)
async def test_a_watcher_is_told_of_the_end_and_released(
    status: UploadStatus, progress: Progress, log: RedisEventLog
) -> None:
    upload = await new_upload()
    watcher = Watcher(progress, upload)
    await watcher.next()
    await set_status(upload, status)
    await progress.publish_snapshot(upload.id)
    assert stages(await watcher.rest()) == [RECEIVING, status]
    assert log._subscribers == {}


async def test_a_whole_life_is_shown_in_order(progress: Progress) -> None:
    upload = await new_upload(chunks=3, compress={"preset": "FAST"})
    watcher = Watcher(progress, upload)
    await watcher.next()
    await receive_all(upload)
    await progress.publish(ProgressFrame(upload.id, REASSEMBLING, 0.0, 0, 27))
    await watcher.until(REASSEMBLING)
    job = await claim()
    await progress.publish(bytes_frame(upload.id, REASSEMBLING, 20, 27, 1.0))
    assert (await watcher.next()).bytes_done == 20
    file = await job_results.publish(job, upload, blob_key="key", sha256=SHA256, media=None, now=NOW)
    await progress.publish_snapshot(upload.id)
    await watcher.until(COMPRESSING)
    for percent in range(0, 100, 5):
        await progress.publish(ProgressFrame(upload.id, COMPRESSING, float(percent), speed=2.0))
    job = await claim(JobKind.COMPRESS)
    await job_results.add_rendition(job, file, mime_type="video/mp4", blob_key="other", size=1, sha256=SHA256, now=NOW)
    await progress.publish_snapshot(upload.id)
    frames = await watcher.rest()
    assert stages(frames) == [RECEIVING, REASSEMBLING, COMPRESSING, READY]
    for stage in (REASSEMBLING, COMPRESSING):
        percents = [one.percent for one in frames if one.stage is stage]
        assert percents == sorted(set(percents))


async def test_every_watcher_sees_the_end(progress: Progress) -> None:
    upload = await new_upload()
    watchers = [Watcher(progress, upload) for _ in range(50)]
    await asyncio.gather(*(watcher.next() for watcher in watchers))
    await set_status(upload, UploadStatus.ABORTED)
    await progress.publish_snapshot(upload.id)
    ends = await asyncio.gather(*(watcher.rest() for watcher in watchers))
    assert {frames[-1].stage for frames in ends} == {UploadStatus.ABORTED}


async def test_an_event_from_before_the_snapshot_does_not_lead_back(progress: Progress) -> None:
    upload = await new_upload(chunks=2)
    for done in (10, 17):
        await progress.publish(bytes_frame(upload.id, RECEIVING, done, 17))
    await receive_all(upload)
    watcher = Watcher(progress, upload, after=START)
    await watcher.until(REASSEMBLING)
    await progress.publish(bytes_frame(upload.id, REASSEMBLING, 10, 17))
    await watcher.next()
    await set_status(upload, READY)
    await progress.publish_snapshot(upload.id)
    assert stages(await watcher.rest()) == [REASSEMBLING, READY]


async def test_a_long_past_is_not_looked_up_event_by_event(
    progress: Progress, reads: Reads, log: RedisEventLog
) -> None:
    """A watcher that resumes from the beginning must not cause a query for each earlier chunk."""
    upload = await new_upload(chunks=2)
    for done in range(500):
        await log.publish(str(upload.id), bytes_frame(upload.id, RECEIVING, done, 17).to_payload())
    await receive_all(upload)
    watcher = Watcher(progress, upload, after=START)
    await watcher.next()
    await progress.publish(bytes_frame(upload.id, REASSEMBLING, 10, 17))
    await watcher.next()
    assert len(reads) < 10
    await watcher.leave()


async def test_a_slow_watcher_is_shown_the_newest_frame_of_each_stage(progress: Progress, log: RedisEventLog) -> None:
    upload = await new_upload()
    watcher = Watcher(progress, upload)
    first = await watcher.next()
    for stage in (RECEIVING, REASSEMBLING):
        for done in range(1, 18):
            await log.publish(str(upload.id), bytes_frame(upload.id, stage, done, 17).to_payload())
    await asyncio.sleep(FRAME_SECONDS)
    received, reassembled = await watcher.next(), await watcher.next()
    assert (received.stage, received.bytes_done) == (RECEIVING, 17)
    assert (reassembled.stage, reassembled.bytes_done) == (REASSEMBLING, 17)
    assert position(first.cursor) < position(received.cursor) < position(reassembled.cursor)
    await watcher.leave()


async def test_a_slow_watcher_resumes_with_the_stage_after_the_one_that_it_was_shown(
    progress: Progress, log: RedisEventLog
) -> None:
    upload = await new_upload()
    watcher = Watcher(progress, upload)
    await watcher.next()
    for stage in (RECEIVING, REASSEMBLING):
        for done in (10, 17):
            await log.publish(str(upload.id), bytes_frame(upload.id, stage, done, 17).to_payload())
    await asyncio.sleep(FRAME_SECONDS)
    seen = await watcher.next()
    await watcher.leave()
    again = Watcher(progress, upload, after=seen.cursor)
    await again.next()
    assert (await again.next()).stage is REASSEMBLING
    await again.leave()


async def test_a_reopened_slot_leads_back_to_receiving(progress: Progress) -> None:
    upload = await new_upload(chunks=4)
    await receive_all(upload)
    watcher = Watcher(progress, upload)
    await watcher.until(REASSEMBLING)
    await job_results.reopen_slots(await claim(), [0], LATER)
    await progress.publish_snapshot(upload.id)
    again = await watcher.until(RECEIVING)
    assert again.bytes_done == 27
    await receive(upload, 0)
    await progress.publish_snapshot(upload.id)
    await watcher.until(REASSEMBLING)
    await watcher.leave()


async def test_a_frame_names_the_event_behind_it_and_resumes_from_there(progress: Progress) -> None:
    upload = await new_upload(chunks=3)
    watcher = Watcher(progress, upload)
    await watcher.next()
    await progress.publish(bytes_frame(upload.id, RECEIVING, 10, 27))
    seen = await watcher.next()
    await watcher.leave()
    await progress.publish(bytes_frame(upload.id, RECEIVING, 20, 27))
    again = Watcher(progress, upload, after=seen.cursor)
    await again.next()
    assert (await again.next()).bytes_done == 20
    await again.leave()


@pytest.mark.parametrize(("working", "ended"), [(REASSEMBLING, UploadStatus.FAILED), (COMPRESSING, READY)])
async def test_who_resumes_after_a_retry_is_not_shown_the_end_before_it(
    working: UploadStatus, ended: UploadStatus, progress: Progress
) -> None:
    upload = await new_upload()
    await set_status(upload, working)
    watcher = Watcher(progress, upload)
    seen = await watcher.next()
    await watcher.leave()
    for status in (ended, working):
        await set_status(upload, status)
        await progress.publish_snapshot(upload.id)
    again = Watcher(progress, upload, after=seen.cursor)
    await again.next()
    await progress.publish(bytes_frame(upload.id, working, 10, 17))
    assert (await again.next()).bytes_done == 10
    await set_status(upload, READY)
    await progress.publish_snapshot(upload.id)
    frames = await again.rest()
    assert stages(frames) == [working, READY]
    assert [frame.stage.is_final for frame in frames].count(True) == 1


async def test_a_watcher_that_leaves_frees_its_place(progress: Progress, log: RedisEventLog) -> None:
    upload = await new_upload()
    watcher = Watcher(progress, upload)
    await watcher.next()
    assert list(log._subscribers) == [str(upload.id)]
    await watcher.leave()
    assert log._subscribers == {}


async def test_a_watcher_that_is_cancelled_frees_its_place(progress: Progress, log: RedisEventLog) -> None:
    upload = await new_upload()
    watcher = Watcher(progress, upload)
    await watcher.next()
    task = asyncio.create_task(watcher.next())
    await asyncio.sleep(0.05)
    task.cancel()
    await asyncio.wait({task})
    assert log._subscribers == {}
