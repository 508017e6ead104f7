"""Pages of the slots of an upload."""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import TypeAlias

from services.uploads.types import Slot
from storage.database.pages import Window
from storage.uploads.models import Upload
from storage.uploads.open_slots import SlotRange

#: Finds the open slots of a part of an upload, as ascending ranges of indexes.
FindOpen: TypeAlias = Callable[[SlotRange], Awaitable[Sequence[range]]]


async def slots_in(upload: Upload, window: Window[int], find_open: FindOpen, *, missing: bool) -> list[Slot]:
    """A window of the slots, by index; only open ones if ``missing``."""
    part = _part(upload, window, missing=missing)
    gaps = await _gaps(upload, part, find_open)
    indexes = islice(_indexes(part, gaps, missing=missing), window.limit)
    open_slots = () if missing else {index for gap in gaps for index in gap}
    slots = [_slot(upload, index, received=not missing and index not in open_slots) for index in indexes]
    return slots[::-1] if window.backwards else slots


async def slot_at(upload: Upload, index: int, find_open: FindOpen) -> Slot | None:
    """The slot with this index, if there is one."""
    found = await slots_in(upload, Window(1, after=index - 1), find_open, missing=False) if index >= 0 else []
    return found[0] if found else None


async def _gaps(upload: Upload, part: SlotRange, find_open: FindOpen) -> Sequence[range]:
    """The open slots of a part, without a query if all are open, or none."""
    if upload.is_full or part.start >= part.end:
        return []
    return await find_open(part) if upload.received_chunks else [range(part.start, part.end)]


def _part(upload: Upload, window: Window[int], *, missing: bool) -> SlotRange:
    """The slots to look at: those of the window itself, unless only open ones belong to it."""
    start = 0 if window.after is None else window.after + 1
    end = upload.chunk_count if window.before is None else min(window.before, upload.chunk_count)
    if not missing and window.backwards:
        start = max(start, end - window.limit)
    elif not missing:
        end = min(end, start + window.limit)
    return SlotRange(upload.id, start, end, window.limit, last=window.backwards)


def _indexes(part: SlotRange, gaps: Sequence[range], *, missing: bool) -> Iterator[int]:
    if not missing:
        return iter(_directed(range(part.start, part.end), backwards=part.last))
    return chain.from_iterable(_directed(gap, backwards=part.last) for gap in (gaps[::-1] if part.last else gaps))


def _directed(indexes: range, *, backwards: bool) -> Iterable[int]:
    return indexes[::-1] if backwards else indexes


def _slot(upload: Upload, index: int, *, received: bool) -> Slot:
    return Slot(index, upload.slot_offset(index), upload.slot_size(index), received)
