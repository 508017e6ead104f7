"""The chunks of small files, received together: each slot is filled once, and only by the right bytes."""

import asyncio
from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from services.budgets.budgets import Budgets, Limits
from services.budgets.errors import RateLimited
from services.budgets.limits import Limit
from services.core.errors import ErrorCode, ExpectedError
from services.uploads.chunk_sinks import Receipt
from services.uploads.ingest import slot_authorization
from services.uploads.small_chunks import MAX_SIZE, SmallChunk, SmallChunks
from storage.jobs import jobs
from storage.jobs.models import JobKind
from storage.token_buckets import LocalBuckets
from storage.uploads.models import Upload, UploadStatus
from tests.services.conftest import SENDER, Bench, a_file
from tests.storage.rows import filled_indexes
from tests.support.server import digest

CONTENT = b"small" * 100


@pytest.fixture
def chunks(bench: Bench) -> SmallChunks:
    return SmallChunks(bench.store, bench.ingest, bench.notifications, bench.budgets)


async def begin(bench: Bench, account_id: UUID, count: int = 1, size: int = len(CONTENT)) -> list[Upload]:
    asked = [replace(a_file(size), file_name=f"{number}") for number in range(count)]
    found = await bench.uploads.init_all(account_id, asked)
    return [each for each in found if isinstance(each, Upload)]


def codes(outcomes: list[Receipt | ExpectedError]) -> list[str]:
    return [each.code.value if isinstance(each, ExpectedError) else "receipt" for each in outcomes]


async def test_chunks_get_receipts_and_their_files_are_reassembled(
    bench: Bench, ada: UUID, chunks: SmallChunks
) -> None:
    uploads = await begin(bench, ada, 5)
    found = await chunks.receive([SmallChunk(upload.id, CONTENT) for upload in uploads], SENDER)
    assert [each.sha256 for each in found if isinstance(each, Receipt)] == [digest(CONTENT)] * 5
    for upload in uploads:
        current = await bench.uploads.reload(upload)
        assert (current.status, current.received_bytes) == (UploadStatus.REASSEMBLING, len(CONTENT))
        assert await jobs.find(JobKind.REASSEMBLE, upload.id)


async def test_each_chunk_is_accepted_or_refused_by_itself(bench: Bench, ada: UUID, chunks: SmallChunks) -> None:
    ended, good, short = await begin(bench, ada, 3)
    (large,) = await begin(bench, ada, 1, MAX_SIZE + 1)
    await bench.uploads.abort(ended)
    sent = [(uuid4(), CONTENT), (ended.id, CONTENT), (good.id, CONTENT), (short.id, CONTENT[:-1]), (large.id, CONTENT)]
    found = await chunks.receive([SmallChunk(*each) for each in sent], SENDER)
    assert codes(found) == ["NOT_FOUND", "UPLOAD_CLOSED", "receipt", "CHUNK_SIZE_MISMATCH", "NOT_FOUND"]


async def test_a_repeated_chunk_is_compared_and_not_written(bench: Bench, ada: UUID, chunks: SmallChunks) -> None:
    (upload,) = await begin(bench, ada)
    for content, code in ((CONTENT, "receipt"), (CONTENT, "receipt"), (CONTENT[::-1], "SLOT_CONFLICT")):
        assert codes(await chunks.receive([SmallChunk(upload.id, content)], SENDER)) == [code]


async def test_a_slot_has_one_sender(bench: Bench, ada: UUID, chunks: SmallChunks) -> None:
    first, second = await begin(bench, ada, 2)
    sent = [SmallChunk(first.id, CONTENT), SmallChunk(second.id, CONTENT)]
    async with bench.ingest.open(slot_authorization(first, 0), SENDER):
        assert codes(await chunks.receive(sent, SENDER)) == ["SLOT_BUSY", "receipt"]
    found = await asyncio.gather(*(chunks.receive(sent[:1], SENDER) for _ in range(4)))
    assert "receipt" in {code for each in found for code in codes(each)}
    assert await filled_indexes(first.id) == [0]


async def test_the_owners_of_the_uploads_pay(bench: Bench, ada: UUID) -> None:
    limits = Limits(ingest=Limit(3 * len(CONTENT), 1))
    budgets = Budgets(limits, LocalBuckets(), LocalBuckets())
    chunks = SmallChunks(bench.store, bench.ingest, bench.notifications, budgets)
    uploads = await begin(bench, ada, 4)
    sent = [SmallChunk(upload.id, CONTENT) for upload in uploads]
    await chunks.receive(sent[:3], SENDER)
    with pytest.raises(RateLimited) as refused:
        await chunks.receive(sent[3:], SENDER)
    assert refused.value.code is ErrorCode.RATE_LIMITED
    assert await filled_indexes(uploads[3].id) == []
