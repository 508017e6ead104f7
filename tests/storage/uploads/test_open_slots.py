"""The open slots of several uploads, found by one statement."""

import random

import pytest

from storage.uploads import open_slots
from storage.uploads.models import Chunk, Upload
from storage.uploads.open_slots import MAX_PARTS, SlotRange
from tests.storage.rows import SHA256, new_upload

pytestmark = pytest.mark.usefixtures("database")

CHUNKS = 12


async def filled(indexes: list[int], chunks: int = CHUNKS) -> Upload:
    """An upload with receipts of these slots."""
    upload = await new_upload(chunks=chunks)
    await Chunk.bulk_create([Chunk(upload_id=upload.id, index=index, size=1, sha256=SHA256) for index in indexes])
    return upload


def part(upload: Upload, start: int = 0, end: int = CHUNKS, limit: int = CHUNKS, *, last: bool = False) -> SlotRange:
    return SlotRange(upload.id, start, end, limit, last)


def indexes_of(gaps: list[range]) -> list[int]:
    return [index for gap in gaps for index in gap]


@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize(
    "indexes",
    [[], [0], [CHUNKS - 1], [0, CHUNKS - 1], [5], [0, 1, 2, 7, 8], list(range(0, CHUNKS, 2)), list(range(CHUNKS))],
)
async def test_open_slots_are_those_without_a_receipt(indexes: list[int], last: bool) -> None:
    upload = await filled(indexes)
    (gaps,) = await open_slots.find([part(upload, last=last)])
    assert indexes_of(gaps) == [index for index in range(CHUNKS) if index not in indexes]


@pytest.mark.parametrize("last", [False, True])
async def test_every_part_of_an_upload_has_its_own_open_slots(last: bool) -> None:
    indexes = random.Random(7).sample(range(CHUNKS), CHUNKS // 2)
    upload = await filled(indexes)
    bounds = [(start, end) for start in range(CHUNKS) for end in range(start + 1, CHUNKS + 1)]
    found = await open_slots.find([part(upload, start, end, last=last) for start, end in bounds])
    expected = [[index for index in range(start, end) if index not in indexes] for start, end in bounds]
    assert [indexes_of(gaps) for gaps in found] == expected


@pytest.mark.parametrize("last", [False, True])
async def test_the_limit_bounds_the_rows_and_not_the_slots_that_are_needed(last: bool) -> None:
    upload = await filled(list(range(1, CHUNKS, 2)))
    open_indexes = list(range(0, CHUNKS, 2))
    for limit in range(1, 4):
        (gaps,) = await open_slots.find([part(upload, limit=limit, last=last)])
        found = indexes_of(gaps)
        assert limit <= len(found) <= limit + 1
        assert found == (open_indexes[-len(found) :] if last else open_indexes[: len(found)])


async def test_many_uploads_are_looked_at_together() -> None:
    uploads = [await filled([number]) for number in range(5)]
    parts = [part(upload, number, number + 2) for number, upload in enumerate(uploads)]
    assert [indexes_of(gaps) for gaps in await open_slots.find(parts)] == [[number + 1] for number in range(5)]


async def test_more_parts_than_one_statement_can_have_are_found_too() -> None:
    upload = await filled([3])
    parts = [part(upload, number % CHUNKS, CHUNKS) for number in range(MAX_PARTS + 20)]
    found = await open_slots.find(parts)
    assert [indexes_of(gaps) for gaps in found] == [
        [index for index in range(number % CHUNKS, CHUNKS) if index != 3] for number in range(len(parts))
    ]


async def test_no_part_takes_no_query() -> None:
    assert await open_slots.find([]) == []
