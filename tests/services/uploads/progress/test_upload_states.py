"""The states of watched uploads: read once for all watchers, and many uploads in one query."""

import asyncio
from uuid import uuid4

import pytest

from services.core.errors import NotFound
from services.uploads.progress import upload_states
from services.uploads.progress.frame import START, ProgressFrame, bytes_frame
from services.uploads.progress.progress import Progress
from services.uploads.progress.upload_states import UploadStates
from storage.errors import DatabaseUnavailable
from storage.uploads.models import UploadStatus
from tests.services.uploads.progress.watching import READY, RECEIVING, Reads, Watcher, set_status
from tests.storage.rows import new_upload, receive, receive_all

WATCHERS = 20


async def watching(progress: Progress, *uploads: object, each: int = 1) -> list[Watcher]:
    """Watchers that have seen their first frame."""
    watchers = [Watcher(progress, upload) for upload in uploads for _ in range(each)]  # type: ignore[arg-type]
    await asyncio.gather(*(watcher.next() for watcher in watchers))
    return watchers


async def leave(watchers: list[Watcher]) -> None:
    for watcher in watchers:
        await watcher.leave()


async def test_watchers_that_come_at_the_same_time_share_queries(progress: Progress, reads: Reads) -> None:
    uploads = [await new_upload() for _ in range(5)]
    watchers = await watching(progress, *uploads, each=WATCHERS)
    assert len(reads) < len(watchers) / 4
    assert {upload.id for upload in uploads} == {one for read in reads for one in read}
    await leave(watchers)


async def test_the_uploads_of_the_frames_of_one_event_are_read_once(progress: Progress, reads: Reads) -> None:
    upload = await new_upload(chunks=3)
    watchers = await watching(progress, upload, each=WATCHERS)
    await receive(upload, 0)
    await progress.publish(bytes_frame(upload.id, RECEIVING, 10, 27))
    frames = await asyncio.gather(*(watcher.next() for watcher in watchers))
    reads.clear()
    found = await asyncio.gather(*(progress.upload_of(frame) for frame in frames))
    assert {row.received_chunks for row in found} == {1}
    assert reads == [[upload.id]]
    await leave(watchers)


async def test_the_upload_of_a_frame_is_never_older_than_the_frame(progress: Progress) -> None:
    upload = await new_upload()
    (watcher,) = await watching(progress, upload)
    assert (await progress.upload_of(watcher.frames[-1])).status is RECEIVING
    await set_status(upload, READY)
    await progress.publish_snapshot(upload.id)
    (*_, last) = await watcher.rest()
    assert (last.stage, (await progress.upload_of(last)).status) == (READY, READY)


async def test_idle_watchers_of_many_uploads_share_queries_after_a_silence(
    progress: Progress, reads: Reads, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upload_states, "SILENCE_SECONDS", 0.1)
    uploads = [await new_upload(chunks=2) for _ in range(5)]
    watchers = await watching(progress, *uploads, each=WATCHERS)
    reads.clear()
    for upload in uploads:
        # The event of this change is lost.
        await receive(upload, 0)
    frames = await asyncio.gather(*(watcher.next() for watcher in watchers))
    assert {frame.bytes_done for frame in frames} == {10}
    assert all(len(read) == len(set(read)) for read in reads)
    # Without sharing, a round takes a query for each watcher.
    assert len(reads) < len(watchers) / 2
    await leave(watchers)


async def test_an_event_postpones_the_next_query(progress: Progress, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upload_states, "SILENCE_SECONDS", 1_000.0)
    states = UploadStates()
    with states.watched(uuid4()) as watched:
        assert watched.silence_left() == 0
        watched.note_event()
        assert watched.silence_left() > 100


async def test_a_watcher_that_comes_later_gets_the_current_state(progress: Progress) -> None:
    """A state that other watchers have read is not shown to it, since an event may have been lost in between."""
    upload = await new_upload(chunks=2)
    watchers = await watching(progress, upload)
    await receive(upload, 0)
    watchers += await watching(progress, upload)
    assert watchers[-1].frames[0].bytes_done == 10
    await leave(watchers)


async def test_a_state_is_shared_only_if_it_includes_the_last_event_that_the_watcher_has_seen(
    progress: Progress, reads: Reads
) -> None:
    upload = await new_upload()
    states = UploadStates()
    with states.watched(upload.id) as watched:
        first = await watched.read("5-0")
        assert await watched.read_since("5-0") is first
        assert await watched.read_since(START) is first
        later = await watched.read_since("5-1")
        assert later is not first
        assert await watched.read_since("5-0") is later
    assert len(reads) == 2


async def test_a_watcher_that_leaves_does_not_end_the_query_of_the_others(progress: Progress) -> None:
    upload = await new_upload()
    states = UploadStates()
    with states.watched(upload.id) as watched:
        first, second = (asyncio.create_task(watched.read(START)) for _ in range(2))
        await asyncio.sleep(0)
        first.cancel()
        assert (await second).upload.id == upload.id
        assert first.cancelled()


async def test_every_watcher_gets_the_error_of_a_query(progress: Progress, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(_: object) -> None:
        raise DatabaseUnavailable("away")

    monkeypatch.setattr(upload_states, "read_states", fail)
    states = UploadStates()
    with states.watched(uuid4()) as watched:
        results = await asyncio.gather(watched.read(START), watched.read(START), return_exceptions=True)
        assert [type(result) for result in results] == [DatabaseUnavailable] * 2
        # The next query is not at once.
        assert watched.silence_left() > 0


async def test_an_upload_that_does_not_exist_is_not_found(progress: Progress) -> None:
    states = UploadStates()
    with states.watched(uuid4()) as watched, pytest.raises(NotFound):
        await watched.read(START)


async def test_an_upload_without_watchers_is_forgotten(progress: Progress) -> None:
    upload = await new_upload()
    await leave(await watching(progress, upload, each=2))
    assert progress._states._watched == {}


async def test_states_of_every_stage_are_read_together(progress: Progress) -> None:
    receiving, working, ended, missing = await new_upload(), await new_upload(), await new_upload(), uuid4()
    await receive_all(working)
    await set_status(ended, UploadStatus.FAILED)
    states = await upload_states.read_states([receiving.id, working.id, ended.id, missing])
    assert {states[one.id].frame for one in (receiving, working, ended)} == {
        bytes_frame(receiving.id, RECEIVING, 0, receiving.size),
        ProgressFrame(working.id, UploadStatus.REASSEMBLING, 0.0),
        ProgressFrame(ended.id, UploadStatus.FAILED, 0.0, None, ended.size),
    }
    assert missing not in states
