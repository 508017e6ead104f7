"""The open slots of uploads, as ranges of indexes. One statement looks at a part of each of several uploads.

It is written out, because the ORM cannot combine queries. It follows the index of receipts and stops at the limit, so
the first open slots of an upload are found without reading its other receipts, except for those before them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from storage.database.connection import fetch

#: The parts that one statement looks at. SQLite combines up to 500 queries.
MAX_PARTS = 100
#: The gap at the start of a part, which may be empty, and the gaps behind its filled slots. A gap ends before the next
#: filled slot, or with the part.
FIRST = """
SELECT {part} AS part, CAST(? AS INTEGER) AS low, (
    SELECT MIN("index") FROM chunk WHERE upload_id = ? AND "index" >= ?) AS high
UNION ALL SELECT part, low, high FROM (
    SELECT {part} AS part, filled."index" + 1 AS low, (
        SELECT MIN("index") FROM chunk WHERE upload_id = filled.upload_id AND "index" > filled."index") AS high
    FROM chunk AS filled WHERE upload_id = ? AND "index" >= ? AND "index" < ? AND NOT EXISTS (
        SELECT 1 FROM chunk AS next WHERE next.upload_id = filled.upload_id AND next."index" = filled."index" + 1)
    ORDER BY filled."index" LIMIT ?) AS gaps"""
#: The same from the end: ``low`` is the filled slot before a gap.
LAST = """
SELECT {part} AS part, (
    SELECT MAX("index") FROM chunk WHERE upload_id = ? AND "index" < ?) AS low, CAST(? AS INTEGER) AS high
UNION ALL SELECT part, low, high FROM (
    SELECT {part} AS part, (
        SELECT MAX("index") FROM chunk WHERE upload_id = filled.upload_id AND "index" < filled."index") AS low,
        filled."index" AS high
    FROM chunk AS filled WHERE upload_id = ? AND "index" > ? AND "index" < ? AND NOT EXISTS (
        SELECT 1 FROM chunk AS next WHERE next.upload_id = filled.upload_id AND next."index" = filled."index" - 1)
    ORDER BY filled."index" DESC LIMIT ?) AS gaps"""


@dataclass(frozen=True, slots=True)
class SlotRange:
    """The slots of an upload from index ``start`` on and before ``end``.

    Of these, the first ``limit`` open ones are wanted, or the ``last`` ones.
    """

    upload_id: UUID
    start: int
    end: int
    limit: int
    last: bool = False


async def find(parts: Sequence[SlotRange]) -> list[list[range]]:
    """The open slots of each part, as ascending ranges: at least as many as its limit, if there are as many."""
    found: list[list[range]] = [[] for _ in parts]
    for start in range(0, len(parts), MAX_PARTS):
        batch = parts[start : start + MAX_PARTS]
        statement = "\nUNION ALL ".join(
            (LAST if part.last else FIRST).format(part=number) for number, part in enumerate(batch)
        )
        values = [value for part in batch for value in _values(part)]
        for number, low, high in await fetch(statement, *values):
            if gap := _gap(batch[number], low, high):
                found[start + number].append(gap)
    return [sorted(gaps, key=lambda gap: gap.start) for gaps in found]


def _values(part: SlotRange) -> tuple[Any, ...]:
    upload_id, start, end = part.upload_id, part.start, part.end
    if part.last:
        return (upload_id, end, end, upload_id, start, end, part.limit)
    return (start, upload_id, start, upload_id, start, end - 1, part.limit)


def _gap(part: SlotRange, low: int | None, high: int | None) -> range:
    if part.last:
        low = None if low is None else low + 1
    return range(max(part.start, low or 0), min(part.end, part.end if high is None else high))
