"""Reassembly on a real S3: a worker that is interrupted at any point leaves a state that the next one completes."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, nullcontext, suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from services.core.clock import now
from services.maintenance.sweeper import Sweeper
from services.uploads.errors import ChecksumMismatch
from services.uploads.new_upload import UploadPolicy
from services.uploads.uploads import Uploads
from storage.blobs import Digests
from storage.blobs.s3.factory import open_s3_store
from storage.blobs.s3.store import S3BlobStore
from storage.blobs.s3.url import S3Options
from storage.drive.models import Blob, File
from storage.errors import BlobNotFound, Duplicate, StateChanged
from storage.jobs import jobs
from storage.jobs.models import Job, JobKind
from storage.uploads import receipts
from storage.uploads import uploads as rows
from storage.uploads.models import Chunk, Upload, UploadStatus
from tests.support.backends.s3 import ACCESS_KEY, SECRET_KEY, S3Server
from tests.support.server import digest
from tests.workers.conftest import new_upload
from workers.job_context import JobContext
from workers.uploads.follower import Follower
from workers.uploads.reassemble import reassemble
from workers.worker_membership import WorkerMembership

SLOT = 5 * 2**20
CONTENT = random.Random(3).randbytes(SLOT + 77)
DAY = timedelta(days=1)

Open = Callable[[], S3BlobStore]


class Unheld:
    """Slot locks that are always lost."""

    def hold(self, name: str) -> AbstractAsyncContextManager[None]:
        """Let all requests pass."""
        return nullcontext()


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


@pytest.fixture
async def opened(s3: S3Server, tmp_path: Path) -> AsyncIterator[Open]:
    """Opens independent stores on the same place, which list one item per page."""
    first = await open_s3_store(
        s3.url(s3.new_place()), S3Options(ACCESS_KEY, SECRET_KEY, scratch=tmp_path, slot_locks=Unheld()), page=1
    )
    made = [first]

    def one() -> S3BlobStore:
        # Only the client is shared, because it takes a second to create.
        made.append(S3BlobStore(first.bucket, Unheld(), tmp_path, None, AsyncExitStack()))
        return made[-1]

    yield one
    for each in reversed(made):
        await each.close()


@pytest.fixture
def on_s3(context: JobContext, opened: Open) -> JobContext:
    """The resources of a worker with a store on S3."""
    return with_store(context, opened())


def with_store(context: JobContext, store: S3BlobStore) -> JobContext:
    return replace(context, store=store, follower=Follower(store, context.progress, WorkerMembership("one")))


def uploads_of(context: JobContext) -> Uploads:
    return Uploads(context.store, context.progress, context.notifications, UploadPolicy(2**40, DAY))


async def begun(context: JobContext, content: bytes = CONTENT, **more: Any) -> Upload:
    upload = await new_upload(content, chunk_size=SLOT, **more)
    upload.staging = await context.store.stage(str(upload.id), len(content), SLOT)
    await upload.save()
    return upload


async def put(context: JobContext, upload: Upload, index: int, part: bytes) -> Digests:
    """Send the bytes of a slot, without a receipt."""
    async with context.store.slot(upload.staging_area, upload.slot_offset(index), len(part)) as writer:
        await writer.write([part])
        return await writer.finish()


async def fill(context: JobContext, upload: Upload, content: bytes = CONTENT) -> Upload:
    """Let every missing chunk arrive."""
    there = await receipts.filled_indexes(upload.id, 0)
    for index in range(upload.chunk_count):
        if index not in there:
            offset = upload.slot_offset(index)
            digests = await put(context, upload, index, content[offset : offset + upload.slot_size(index)])
            await receipts.add(upload, index, digests, now(), now() + DAY)
    return await Upload.get(id=upload.id)


async def claim() -> Job | None:
    return await jobs.claim([JobKind.REASSEMBLE], "test", timedelta(minutes=1), now())


async def work(context: JobContext) -> None:
    job = await claim()
    assert job
    await reassemble(job, context)


async def brought_to_its_end(context: JobContext, upload: Upload, content: bytes = CONTENT) -> int:
    """Run the next worker and the client until there is a file with the correct bytes. Returns the sent chunks."""
    await jobs.release("test", now())
    sent = 0
    for _ in range(3):
        upload = await Upload.get(id=upload.id)
        if upload.status is UploadStatus.RECEIVING:
            sent += upload.chunk_count - upload.received_chunks
            await fill(context, upload, content)
        if job := await claim():
            await reassemble(job, context)
    upload = await Upload.get(id=upload.id)
    assert upload.status is UploadStatus.READY
    assert await file_of(context, upload) == content
    return sent


async def file_of(context: JobContext, upload: Upload) -> bytes:
    file = await File.get(id=upload.file_id).select_related("blob")
    assert file.blob.sha256
    return b"".join([block async for block in context.store.read(file.blob.key, 0, upload.size)])


async def left_in(context: JobContext) -> tuple[int, int]:
    """The numbers of objects and of multipart uploads."""
    return len([found async for found in context.store.blobs()]), len(
        [found async for found in context.store.staging_areas()]
    )


async def cut_off(context: JobContext, step: str, monkeypatch: pytest.MonkeyPatch, *, after: bool) -> None:
    """Start a worker that is killed at this step of the bucket or of the rows."""
    store = context.store
    assert isinstance(store, S3BlobStore)
    mortal = Mortal(store.bucket, step, after=after)
    with monkeypatch.context() as patches:
        patches.setattr(store, "bucket", mortal)
        if hasattr(rows, step):
            write = getattr(rows, step)

            async def cut(*arguments: Any, **named: Any) -> None:
                if after:
                    await write(*arguments, **named)
                mortal.die()

            patches.setattr(rows, step, cut)
        with pytest.raises(Killed):
            await work(context)
    assert mortal.dead


#: Steps of a worker, and whether it is killed before or after them.
ENDING = [("complete_multipart", False), ("complete_multipart", True), ("publish", False), ("publish", True)]
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
    await File.all().delete()
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
    await rows.fail_job(job, status=UploadStatus.FAILED, code="CHECKSUM_MISMATCH", message="-")
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


async def test_an_object_that_was_published_outlives_the_expiry_of_its_upload_in_an_older_database(
    on_s3: JobContext,
) -> None:
    upload = await fill(on_s3, await begun(on_s3))
    await work(on_s3)
    await go_back(upload)
    service = uploads_of(on_s3)
    await service.expire()
    await Sweeper(on_s3.store, service).sweep()
    blocks = [block async for block in on_s3.store.read(str(upload.id), 0, upload.size)]
    assert b"".join(blocks) == CONTENT


async def go_back(upload: Upload) -> None:
    """Restore the rows of a moment at which the upload lacked a chunk. It has expired since."""
    receiving = {"status": UploadStatus.RECEIVING, "file_id": None, "expires_at": now() - DAY}
    await Upload.filter(id=upload.id).update(**receiving, received_chunks=1)
    await Chunk.filter(upload_id=upload.id, index=1).delete()
    await Job.filter(subject_id=upload.id).delete()
    await File.all().delete()
    await Blob.all().delete()
