"""Chunks that an account has are not sent again, and no account learns what others have."""

from dataclasses import replace
from uuid import UUID

import pytest

from services.core.clock import now
from services.core.errors import InvalidInput
from services.uploads.ingest import slot_authorization
from services.uploads.types import NewUpload
from storage.database.pages import Window
from storage.jobs import jobs
from storage.jobs.models import Job, JobKind, JobState
from storage.uploads import job_results, receipts
from storage.uploads.models import Upload, UploadStatus
from tests.services.conftest import LIFETIME, SENDER, Bench, a_file
from tests.support.server import digest

SIZE = 65_536
OLD = [bytes([number]) * SIZE for number in range(3)] + [b"the end"]
NEW = [OLD[1], b"x" * SIZE, OLD[0], b"the end"]


def wanted(chunks: list[bytes], **changes: object) -> NewUpload:
    return replace(a_file(sum(map(len, chunks))), chunk_hashes=[digest(one) for one in chunks], **changes)  # type: ignore[arg-type]


async def store_file(bench: Bench, owner: UUID, chunks: list[bytes]) -> Upload:
    """An uploaded file; some of its chunks were copied from files of the same account."""
    upload = await bench.uploads.init(owner, a_file(sum(map(len, chunks))))
    for index, chunk in enumerate(chunks):
        async with bench.ingest.open(slot_authorization(upload, index), SENDER) as sink:
            await sink.write([chunk])
            await sink.commit(None)
    job = await jobs.claim([JobKind.REASSEMBLE], "worker", LIFETIME, now())
    assert job
    await bench.store.publish(str(upload.id))
    await job_results.publish(
        job, upload, blob_key=str(upload.id), sha256=digest(b"".join(chunks)), media=None, now=now()
    )
    return upload


async def open_slots(bench: Bench, upload: Upload) -> list[int]:
    return [slot.index for slot in await bench.uploads.slots(upload, Window(100), missing=True)]


async def test_only_chunks_that_no_file_of_mine_has_are_missing(bench: Bench, ada: UUID) -> None:
    old = await store_file(bench, ada, OLD)
    upload = await bench.uploads.init(ada, wanted(NEW))
    assert await open_slots(bench, upload) == [1]
    assert (upload.received_chunks, upload.received_bytes) == (3, 2 * SIZE + 7)
    found = await receipts.find_all(upload.id)
    sources = [(one.index, one.source, one.source_offset) for one in found]
    assert sources == [(0, str(old.id), SIZE), (2, str(old.id), 0), (3, str(old.id), 3 * SIZE)]


async def test_the_last_missing_chunk_starts_the_reassembly(bench: Bench, ada: UUID) -> None:
    await store_file(bench, ada, OLD)
    upload = await bench.uploads.init(ada, wanted(NEW))
    async with bench.ingest.open(slot_authorization(upload, 1), SENDER) as sink:
        await sink.write([NEW[1]])
        assert (await sink.commit(None)).complete


async def test_an_upload_of_nothing_new_is_reassembled_at_once(bench: Bench, ada: UUID) -> None:
    await store_file(bench, ada, OLD)
    upload = await bench.uploads.init(ada, wanted([OLD[2], OLD[0]]))
    assert upload.status is UploadStatus.REASSEMBLING
    assert (await Job.get(subject_id=upload.id)).state is JobState.QUEUED


async def test_a_chunk_is_known_by_its_size_too(bench: Bench, ada: UUID) -> None:
    await store_file(bench, ada, OLD)
    upload = await bench.uploads.init(
        ada, replace(wanted([b"x" * SIZE, b"the end?"]), chunk_hashes=["0" * 64, digest(b"the end")])
    )
    assert await open_slots(bench, upload) == [0, 1]


async def test_no_account_learns_what_another_has(bench: Bench, ada: UUID, bob: UUID) -> None:
    await store_file(bench, ada, OLD)
    assert await open_slots(bench, await bench.uploads.init(bob, wanted(OLD))) == [0, 1, 2, 3]


async def test_chunks_of_an_upload_without_a_file_are_not_counted_on(bench: Bench, ada: UUID) -> None:
    other = await bench.uploads.init(ada, a_file(2 * SIZE))
    async with bench.ingest.open(slot_authorization(other, 0), SENDER) as sink:
        await sink.write([OLD[0]])
        await sink.commit(None)
    assert await open_slots(bench, await bench.uploads.init(ada, wanted(OLD))) == [0, 1, 2, 3]


async def test_the_same_key_returns_the_same_upload_with_what_it_has(bench: Bench, ada: UUID) -> None:
    await store_file(bench, ada, OLD)
    first = await bench.uploads.init(ada, wanted(NEW, idempotency_key="key"))
    again = await bench.uploads.init(ada, wanted(NEW, idempotency_key="key"))
    assert again.id == first.id
    assert await open_slots(bench, again) == [1]


async def test_thousands_of_hashes_are_looked_up(bench: Bench, ada: UUID) -> None:
    await store_file(bench, ada, OLD)
    hashes = [digest(OLD[0]), *(f"{number:064x}" for number in range(9_999))]
    upload = await bench.uploads.init(ada, replace(a_file(10_000 * SIZE), chunk_hashes=hashes))
    assert upload.received_chunks == 1


@pytest.mark.parametrize("hashes", [[], ["0" * 64], ["0" * 64] * 3, ["0" * 64, "x" * 64], ["0" * 64, ""]], ids=repr)
async def test_hashes_that_cannot_be_those_of_the_chunks_are_refused(
    bench: Bench, ada: UUID, hashes: list[str]
) -> None:
    with pytest.raises(InvalidInput) as refused:
        await bench.uploads.init(ada, replace(a_file(2 * SIZE), chunk_hashes=hashes))
    assert str(refused.value.field).startswith("chunkHashes")
    assert await Upload.all().count() == 0
