"""Reassembly on a real S3: a worker that is interrupted at any point leaves a state that the next one completes."""

import asyncio
import random
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest

from services.core.clock import now
from services.maintenance.sweeper import Sweeper
from services.uploads.errors import ChecksumMismatch
from storage.blobs.s3.store import S3BlobStore
from storage.drive.models import FileVersion
from storage.errors import BlobNotFound, Duplicate, StateChanged
from storage.jobs import jobs
from storage.uploads import job_results, receipts
from storage.uploads.models import Chunk, Upload, UploadStatus
from tests.support.server import digest
from tests.workers.uploads.s3_uploads import (
    CONTENT,
    DAY,
    SLOT,
    Open,
    begun,
    brought_to_its_end,
    claim,
    file_of,
    fill,
    left_in,
    put,
    uploads_of,
    with_store,
    work,
)
from workers.job_context import JobContext
from workers.uploads.reassemble import reassemble


class Killed(BaseException):
    """An exception that is never caught."""


class Mortal:
    """A worker's bucket that fails for good before or after the first call of this step."""

    def __init__(self, bucket: Any, step: str, *, after: bool) -> None:
        self._bucket, self._step, self._after = bucket, step, after
        self.dead = False

    def __getattr__(self, name: str) -> Any:
        if name in {"place", "rules", "objects"}:
            return getattr(self._bucket, name)

        async def call(*arguments: Any, **named: Any) -> Any:
            self.require_life()
            if name == self._step and not self._after:
                self.die()
            answer = await getattr(self._bucket, name)(*arguments, **named)
            if name == self._step:
                self.die()
            return answer

        return call

    def require_life(self) -> None:
        if self.dead:
            raise Killed

    def die(self) -> None:
        self.dead = True
        raise Killed


async def cut_off(context: JobContext, step: str, monkeypatch: pytest.MonkeyPatch, *, after: bool) -> None:
    """Start a worker that is killed at this step of the bucket or of the rows."""
    store = context.store
    assert isinstance(store, S3BlobStore)
    mortal = Mortal(store.bucket, step, after=after)
    with monkeypatch.context() as patches:
        patches.setattr(store, "bucket", mortal)
        patches.setattr(store.records, "_bucket", mortal)
        if hasattr(job_results, step):
            write = getattr(job_results, step)

            async def cut(*arguments: Any, **named: Any) -> None:
                if after:
                    await write(*arguments, **named)
                mortal.die()

            patches.setattr(job_results, step, cut)
        with pytest.raises(Killed):
            await work(context)
    assert mortal.dead


#: Steps of a worker, and whether it is killed before or after them.
ENDING = [
    ("complete_multipart", False),
    ("complete_multipart", True),
    ("write_small", False),
    ("write_small", True),
    ("publish", False),
    ("publish", True),
]
REOPENING = [
    ("create_multipart", True),
    ("copy_parts", True),
    ("reopen_slots", False),
    ("reopen_slots", True),
    ("delete", False),
]
#: The sweeper deletes unrecorded work once it is old.
UNRECORDED = REOPENING[:3]


async def test_a_worker_that_is_killed_at_any_step_of_a_reassembly_is_followed_by_one_that_ends_it(
    on_s3: JobContext, context: JobContext, opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    for count, (step, after) in enumerate(ENDING, 1):
        mine, another = with_store(context, opened()), with_store(context, opened())
        upload = await fill(mine, await begun(mine))
        await cut_off(mine, step, monkeypatch, after=after)
        assert (step, after, await brought_to_its_end(another, upload)) == (step, after, 0)
        assert (step, after, await left_in(another)) == (step, after, (count, 0))


async def test_a_worker_that_is_killed_at_any_step_of_reopening_is_followed_by_one_that_ends_it(
    on_s3: JobContext, context: JobContext, opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = 0
    for count, (step, after) in enumerate(REOPENING, 1):
        mine, another = with_store(context, opened()), with_store(context, opened())
        upload = await fill(mine, await begun(mine))
        await Chunk.filter(upload_id=upload.id, index=1).update(xxh3="0" * 32)
        await cut_off(mine, step, monkeypatch, after=after)
        assert (step, after, await brought_to_its_end(another, upload)) == (step, after, 1)
        parts += (step, after) in UNRECORDED
        assert (step, after, await left_in(another)) == (step, after, (count, parts))


async def test_what_a_killed_reopening_had_begun_is_swept_once_it_is_old(
    on_s3: JobContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = await fill(on_s3, await begun(on_s3))
    await Chunk.filter(upload_id=upload.id, index=1).update(xxh3="0" * 32)
    await cut_off(on_s3, "copy_parts", monkeypatch, after=True)
    sweeper = Sweeper(on_s3.store, uploads_of(on_s3))
    monkeypatch.setattr("services.maintenance.garbage.GRACE", timedelta(days=-1))
    await sweeper.sweep()
    assert await left_in(on_s3) == (1, 1)
    await brought_to_its_end(on_s3, upload)
    await Sweeper(on_s3.store, uploads_of(on_s3)).sweep()
    assert await left_in(on_s3) == (1, 0)


async def test_two_workers_at_once_on_one_reassembly_make_one_file(
    on_s3: JobContext, context: JobContext, opened: Open
) -> None:
    upload = await fill(on_s3, await begun(on_s3))
    late = await claim()
    assert late
    await jobs.release("test", now())
    job = await claim()
    assert job
    another = with_store(context, opened())
    ended = await asyncio.gather(reassemble(late, on_s3), reassemble(job, another), return_exceptions=True)
    assert isinstance(ended[0], StateChanged)
    assert ended[1] is None
    assert await brought_to_its_end(another, upload) == 0


async def test_two_workers_at_once_on_one_reopening_open_the_slot_once(
    on_s3: JobContext, context: JobContext, opened: Open
) -> None:
    upload = await fill(on_s3, await begun(on_s3))
    await Chunk.filter(upload_id=upload.id, index=1).update(xxh3="0" * 32)
    late = await claim()
    assert late
    await jobs.release("test", now())
    job = await claim()
    assert job
    another = with_store(context, opened())
    ended = await asyncio.gather(reassemble(late, on_s3), reassemble(job, another), return_exceptions=True)
    assert isinstance(ended[0], StateChanged | BlobNotFound)
    assert await brought_to_its_end(another, upload) <= 1
    assert await left_in(another) == (1, 0)


async def test_of_two_requests_for_one_slot_at_once_one_gets_the_receipt_and_the_file_has_its_bytes(
    on_s3: JobContext, context: JobContext, opened: Open
) -> None:
    another = with_store(context, opened())
    for turn in range(3):
        pieces = [random.Random(turn * 2 + i).randbytes(SLOT) for i in range(2)]
        upload = await begun(on_s3, pieces[0] + CONTENT[SLOT:])

        async def send(context: JobContext, piece: bytes, upload: Upload = upload) -> bool:
            digests = await put(context, upload, 0, piece)
            try:
                await receipts.add(upload, 0, digests, now(), now() + DAY)
            except Duplicate:
                return False
            return True

        won = await asyncio.gather(send(on_s3, pieces[0]), send(another, pieces[1]))
        assert sorted(won) == [False, True]
        content = pieces[won.index(True)] + CONTENT[SLOT:]
        await fill(on_s3, upload, content)
        assert await brought_to_its_end(another, upload, content) <= 1


async def test_an_upload_of_few_bytes_becomes_a_file(on_s3: JobContext) -> None:
    for size in (1, SLOT - 1, SLOT, SLOT + 1):
        upload = await fill(on_s3, await begun(on_s3, CONTENT[:size]), CONTENT[:size])
        assert await brought_to_its_end(on_s3, upload, CONTENT[:size]) == 0


async def test_chunks_that_the_owner_has_are_copied_by_s3_alone(on_s3: JobContext) -> None:
    old = await fill(on_s3, await begun(on_s3))
    await work(on_s3)
    upload = await held_upload(on_s3, old)
    await work(on_s3)
    await upload.refresh_from_db()
    assert upload.status is UploadStatus.READY
    assert await file_of(on_s3, upload) == CONTENT


async def test_chunks_whose_source_is_gone_are_sent_again(on_s3: JobContext) -> None:
    old = await fill(on_s3, await begun(on_s3))
    await work(on_s3)
    upload = await held_upload(on_s3, old)
    await on_s3.store.delete(str(old.id))
    await FileVersion.all().delete()
    await work(on_s3)
    assert await brought_to_its_end(on_s3, upload) == 2


async def held_upload(context: JobContext, old: Upload) -> Upload:
    """An upload of the same bytes, all of which are in the file of an older one."""
    upload = await begun(context)
    for chunk in await receipts.find_all(old.id):
        offset = upload.slot_offset(chunk.index)
        part = CONTENT[offset : offset + chunk.size]
        await Chunk.create(
            upload=upload,
            index=chunk.index,
            size=chunk.size,
            sha256=digest(part),
            source=str(old.id),
            source_offset=offset,
        )
    await Upload.filter(id=upload.id).update(received_chunks=2, received_bytes=upload.size)
    await receipts.queue_reassembly(upload.id, now())
    return await Upload.get(id=upload.id)


@pytest.mark.parametrize("ends", ["abort", "expire"])
async def test_a_part_that_comes_while_its_upload_ends_leaves_nothing(on_s3: JobContext, ends: str) -> None:
    upload = await begun(on_s3)
    service = uploads_of(on_s3)
    with suppress(BlobNotFound):
        async with on_s3.store.slot(upload.staging_area, 0, SLOT) as writer:
            await writer.write([CONTENT[: SLOT // 2]])
            if ends == "abort":
                await service.abort(await service.reload(upload))
            else:
                await Upload.filter(id=upload.id).update(expires_at=now() - DAY)
                await service.expire()
            await writer.write([CONTENT[SLOT // 2 : SLOT]])
            await writer.finish()
    await Sweeper(on_s3.store, service).sweep()
    assert await left_in(on_s3) == (0, 0)


async def test_undeclared_bytes_are_swept_when_the_worker_that_found_them_was_killed(
    on_s3: JobContext,
) -> None:
    upload = await fill(on_s3, await begun(on_s3, sha256="0" * 64))
    job = await claim()
    assert job
    with pytest.raises(ChecksumMismatch):
        await reassemble(job, on_s3)
    await job_results.fail_job(job, status=UploadStatus.FAILED, code="CHECKSUM_MISMATCH", message="-")
    assert await left_in(on_s3) == (1, 0)
    await Sweeper(on_s3.store, uploads_of(on_s3)).sweep()
    assert await left_in(on_s3) == (0, 0)
    assert not await Chunk.filter(upload_id=upload.id).exists()


async def test_an_upload_that_is_given_up_takes_what_its_reopening_left_with_it(
    on_s3: JobContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = await fill(on_s3, await begun(on_s3))
    await Chunk.filter(upload_id=upload.id, index=1).update(xxh3="0" * 32)
    await cut_off(on_s3, "reopen_slots", monkeypatch, after=True)
    assert await left_in(on_s3) == (1, 1)
    service = uploads_of(on_s3)
    await service.abort(await service.reload(upload))
    assert await left_in(on_s3) == (0, 0)


async def test_more_than_one_page_is_listed_to_its_end(on_s3: JobContext) -> None:
    upload = await fill(on_s3, await begun(on_s3))
    others = [await on_s3.store.stage(f"00000000-0000-7000-8000-00000000000{i}", 1, 1) for i in range(3)]
    assert set(await on_s3.store.filled_slots(upload.staging_area, 0, 1)) == {0, 1}
    assert await left_in(on_s3) == (0, 4)
    await work(on_s3)
    for name in "ab":
        source = on_s3.scratch / name
        source.write_bytes(b"bytes")
        await on_s3.store.put(name, source)
    assert await left_in(on_s3) == (3, len(others))
