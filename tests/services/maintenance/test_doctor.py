"""The doctor: every kind of damage is found with its code, and repaired if that loses nothing."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from uuid_utils.compat import uuid7

from cloudkeep.resources import clock_file
from cloudkeep.resources.clock_sync import synchronized_clock
from services.core.clock import now
from services.core.ids import Prefix, encode
from services.maintenance import pages
from services.maintenance.doctor import Doctor
from services.maintenance.findings import Code, Finding
from services.uploads.published_record import PublishedRecord, write_record
from storage.blobs import Digests, LocalBlobStore
from storage.database.connection import atomically, fetch
from storage.drive.models import Blob, FileVersion
from storage.jobs import jobs
from storage.jobs.models import Job, JobKind, JobState
from storage.search.index import search_index, update_index
from storage.search.sqlite_index import TRIGGERS, SqliteIndex
from storage.uploads import consistency, job_results, receipts
from storage.uploads.models import Upload, UploadStatus
from tests.services.conftest import Bench, a_file
from tests.support.clock import Clocks
from tests.support.file_age import set_age
from tests.support.server import digest

S = UploadStatus
LEASE = timedelta(seconds=60)
LATER = timedelta(days=1)
CONTENT = b"0123456789" * 20_000


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "blobs"


async def examined(bench: Bench, *, mend: bool = False) -> list[Finding]:
    return [finding async for finding in Doctor(bench.store, mend=mend).examine()]


async def found(bench: Bench, *, mend: bool = False) -> list[tuple[Code, str, str | None]]:
    return [(one.code, one.subject, one.mended) for one in await examined(bench, mend=mend)]


async def full_upload(bench: Bench, owner: UUID, **changes: Any) -> Upload:
    """An upload whose chunks have all arrived, so that its reassembly is queued."""
    upload = await bench.uploads.init(owner, a_file(len(CONTENT)))
    async with bench.store.slot(str(upload.id), 0, len(CONTENT)) as writer:
        await writer.write([CONTENT])
        await writer.finish()
    await Upload.filter(id=upload.id).update(**changes) if changes else None
    for index in range(upload.chunk_count):
        await receipts.add(upload, index, Digests(digest(b""), ""), now(), now() + LATER)
    return await Upload.get(id=upload.id)


async def claim(kind: JobKind = JobKind.REASSEMBLE) -> Job:
    job = await jobs.claim([kind], "worker", LEASE, now())
    assert job
    return job


async def a_stored_file(bench: Bench, owner: UUID, **changes: Any) -> FileVersion:
    """A file that was uploaded."""
    upload = await full_upload(bench, owner, **changes)
    job = await claim()
    await bench.store.publish(str(upload.id))
    await write_record(bench.store, str(upload.id), PublishedRecord.of(upload, digest(CONTENT), None))
    return await job_results.publish(
        job, upload, blob_key=str(upload.id), sha256=digest(CONTENT), media=None, now=now()
    )


async def put(store: LocalBlobStore, folder: Path, key: str) -> str:
    (folder / key).write_bytes(b"a rendition")
    await store.put(key, folder / key)
    return key


def path_of(root: Path, key: object) -> Path:
    (path,) = root.rglob(str(key))
    return path


async def test_an_empty_server_is_well(bench: Bench) -> None:
    assert await examined(bench) == []


async def test_a_server_in_the_middle_of_its_work_is_well(bench: Bench, ada: UUID, root: Path, tmp_path: Path) -> None:
    """Receiving, reassembling, published but without its row, compressing, a rendition without its row, and done."""
    await a_stored_file(bench, ada)
    await a_stored_file(bench, ada, compress={"preset": "FAST"})
    await put(bench.store, tmp_path, str((await claim(JobKind.COMPRESS)).lease_token))
    published = await full_upload(bench, ada)
    await claim()
    await bench.store.publish(str(published.id))
    await full_upload(bench, ada)
    await bench.uploads.init(ada, a_file())
    set_age(root, "*-*")
    assert await examined(bench) == []


async def test_a_file_whose_bytes_are_gone_is_reported_by_name_and_stays(bench: Bench, ada: UUID, root: Path) -> None:
    file = await a_stored_file(bench, ada)
    blob = await Blob.get(id=file.blob_id)
    path_of(root, blob.key).unlink()
    for mend in (False, True):
        (finding,) = await examined(bench, mend=mend)
        assert (finding.code, finding.subject, finding.mended) == (Code.BLOB_MISSING, blob.key, None)
        assert f"'file.bin' (version {encode(Prefix.VERSION, file.id)})" in finding.text
    assert await FileVersion.exists(id=file.id)


@pytest.mark.parametrize("change", [-1, 1])
async def test_a_blob_of_another_size_is_reported_and_stays(bench: Bench, ada: UUID, root: Path, change: int) -> None:
    blob = await Blob.get(id=(await a_stored_file(bench, ada)).blob_id)
    with path_of(root, blob.key).open("r+b") as file:
        file.truncate(len(CONTENT) + change)
    (finding,) = await examined(bench, mend=True)
    assert (finding.code, finding.subject, finding.mended) == (Code.BLOB_SIZE, blob.key, None)
    assert f"{len(CONTENT) + change} bytes in the store instead of {len(CONTENT)}" in finding.text


async def test_the_rendition_of_a_killed_attempt_is_removed(bench: Bench, root: Path, tmp_path: Path) -> None:
    key = await put(bench.store, tmp_path, str(uuid4()))
    set_age(root, key)
    assert await found(bench) == [(Code.BLOB_ORPHAN, key, None)]
    assert await found(bench, mend=True) == [(Code.BLOB_ORPHAN, key, "removed")]
    assert await found(bench) == []


async def test_a_young_blob_without_a_row_is_given_its_time(bench: Bench, tmp_path: Path) -> None:
    await put(bench.store, tmp_path, str(uuid4()))
    assert await found(bench, mend=True) == []


async def test_abandoned_staging_areas_are_removed(bench: Bench, ada: UUID, root: Path) -> None:
    aborted, unknown = await bench.uploads.init(ada, a_file()), str(uuid7())
    await Upload.filter(id=aborted.id).update(status=S.ABORTED)
    await bench.store.stage(unknown, 10)
    set_age(root, unknown)
    codes = {(code, subject) for code, subject, _ in await found(bench)}
    assert codes == {(Code.STAGING_DEAD, str(aborted.id)), (Code.STAGING_DEAD, unknown)}
    assert {mended for *_, mended in await found(bench, mend=True)} == {"removed"}
    assert await found(bench) == []


async def test_a_strangers_file_among_the_staging_areas_is_reported_and_stays(bench: Bench, root: Path) -> None:
    (root / "staging" / "notes.txt").touch()
    set_age(root, "notes.txt")
    for _ in range(2):
        assert await found(bench, mend=True) == [(Code.STAGING_UNKNOWN, "notes.txt", None)]


async def test_an_open_upload_whose_bytes_are_gone_is_reported_and_stays(bench: Bench, ada: UUID, root: Path) -> None:
    upload = await bench.uploads.init(ada, a_file())
    path_of(root, upload.id).unlink()
    assert await found(bench, mend=True) == [(Code.STAGING_MISSING, encode(Prefix.UPLOAD, upload.id), None)]
    assert (await Upload.get(id=upload.id)).status is S.RECEIVING


@pytest.mark.parametrize("lose", [Job.delete, jobs.finish, lambda job: jobs.fail(job, "X", "x")])
async def test_a_reassembly_without_a_job_is_queued_again(
    bench: Bench, ada: UUID, lose: Callable[[Job], Awaitable[object]]
) -> None:
    upload = await full_upload(bench, ada)
    job = await claim()
    await lose(job)
    assert await found(bench) == [(Code.JOB_MISSING, encode(Prefix.UPLOAD, upload.id), None)]
    assert await found(bench, mend=True) == [(Code.JOB_MISSING, encode(Prefix.UPLOAD, upload.id), "queued again")]
    assert await found(bench) == []
    assert (await claim()).subject_id == upload.id


async def test_a_compression_without_a_job_is_queued_again(bench: Bench, ada: UUID) -> None:
    await a_stored_file(bench, ada, compress={"preset": "FAST"})
    job = await claim(JobKind.COMPRESS)
    await jobs.finish(job)
    assert await found(bench, mend=True) == [(Code.JOB_MISSING, encode(Prefix.UPLOAD, job.subject_id), "queued again")]
    assert (await claim(JobKind.COMPRESS)).subject_id == job.subject_id


async def test_a_job_whose_lease_ran_out_is_left_to_the_next_worker(bench: Bench, ada: UUID) -> None:
    await full_upload(bench, ada)
    job = await claim()
    await Job.filter(id=job.id).update(lease_until=now() - LATER)
    assert await found(bench, mend=True) == []


async def test_an_upload_that_has_everything_but_still_waits_is_reassembled(bench: Bench, ada: UUID) -> None:
    upload = await full_upload(bench, ada)
    await (await claim()).delete()
    await Upload.filter(id=upload.id).update(status=S.RECEIVING)
    assert await found(bench) == [(Code.UPLOAD_FULL, encode(Prefix.UPLOAD, upload.id), None)]
    assert await found(bench, mend=True) == [(Code.UPLOAD_FULL, encode(Prefix.UPLOAD, upload.id), "queued again")]
    assert (await Upload.get(id=upload.id)).status is S.REASSEMBLING
    assert (await claim()).subject_id == upload.id


async def test_what_moved_on_meanwhile_is_not_queued_again(bench: Bench, ada: UUID) -> None:
    upload = await full_upload(bench, ada)
    await atomically(lambda: jobs.enqueue(JobKind.REASSEMBLE, upload.id, now()))
    job = await claim()
    assert not await consistency.queue_again(upload, now())
    await job_results.publish(job, upload, blob_key=str(upload.id), sha256=digest(b""), media=None, now=now())
    assert not await consistency.queue_again(upload, now())
    assert (await Job.get(id=job.id)).state is JobState.DONE


async def test_more_findings_than_a_page_are_all_found(
    bench: Bench, ada: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "PAGE", 2)
    uploads = [await full_upload(bench, ada) for _ in range(5)]
    await Job.all().delete()
    assert {one.subject for one in await examined(bench, mend=True)} == {
        encode(Prefix.UPLOAD, upload.id) for upload in uploads
    }
    assert await Job.filter(state=JobState.QUEUED).count() == 5


@pytest.mark.parametrize("days", [8, -8])
async def test_the_clock_of_a_host_that_is_wrong_is_found(
    tmp_path: Path, bench: Bench, clocks: Clocks, days: int
) -> None:
    async with synchronized_clock(tmp_path / clock_file.NAME):
        assert await examined(bench) == []
        clocks.host = timedelta(days=days)
        (finding,) = await examined(bench, mend=True)
    assert (finding.code, finding.subject, finding.mended) == (Code.CLOCK, "this host", None)


async def test_a_missing_index_of_searches_is_found(bench: Bench) -> None:
    is_sqlite = isinstance(search_index(), SqliteIndex)
    for statement in [f"DROP TRIGGER {name}" for name in TRIGGERS] if is_sqlite else ["DROP INDEX search_entry_text"]:
        await atomically(partial(fetch, statement))
    (finding,) = await examined(bench, mend=True)
    assert (finding.code, finding.subject, finding.mended) == (Code.SEARCH_INDEX, "the database", None)
    assert "start CloudKeep again" in finding.text
    await atomically(update_index)
    assert await examined(bench) == []
