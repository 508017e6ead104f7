"""Finds rows of drives and blobs that contradict each other, and repairs them."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import TypeVar
from uuid import UUID

from services.core.clock import now
from services.core.ids import Prefix, encode
from services.maintenance.findings import Code, Finding, Findings
from storage.deletion import consistency
from storage.drive.models import Blob, Item, ItemKind

FIRST = UUID(int=0)
Row = TypeVar("Row", Item, Blob)


class DriveRows:
    """Examines items, versions, blobs and the counters of accounts; with ``mend`` it also repairs them."""

    def __init__(self, *, mend: bool) -> None:
        self._mend = mend

    async def examine(self) -> Findings:
        """A finding for each contradiction. The counters come last, because the other repairs may change sums."""
        for part in (self._items(), self._blobs(), self._counters()):
            async for finding in part:
                yield finding

    async def _items(self) -> Findings:
        async for item in _rows(consistency.files_without_version):
            text = f"the file {item.name!r} has lost its current version"
            repair = consistency.use_newest_version
            mended = await self._repair("its newest version is the current one", repair, item, now())
            yield Finding(Code.ITEM_VERSION, _id(item), text, mended)
        async for item in _rows(consistency.lost_items):
            mended = await self._repair("moved into the root", consistency.put_into_root, item, now())
            yield Finding(Code.ITEM_LOST, _id(item), f"{item.name!r} has lost its folder", mended)

    async def _blobs(self) -> Findings:
        async for blob in _rows(consistency.wrongly_released):
            mended = await self._repair("in use again", consistency.set_released, blob, None)
            yield Finding(Code.BLOB_RELEASED, blob.key, "a file uses it, but its bytes would be deleted", mended)
        async for blob in _rows(consistency.unreleased):
            mended = await self._repair("released", consistency.set_released, blob, now())
            yield Finding(Code.BLOB_UNUSED, blob.key, f"no file uses its {blob.size} bytes", mended)

    async def _counters(self) -> Findings:
        for account_id in await consistency.suspicious_accounts():
            counted, stored = await consistency.usage(account_id)
            if counted != stored:
                text = f"counts {sum(counted)} bytes, but its blobs have {sum(stored)}"
                mended = await self._repair("counted again", consistency.count_again, account_id)
                yield Finding(Code.USAGE, encode(Prefix.ACCOUNT, account_id), text, mended)

    async def _repair(self, result: str, repair: Callable[..., Awaitable[None]], *arguments: object) -> str | None:
        if not self._mend:
            return None
        await repair(*arguments)
        return result


async def _rows(query: Callable[[UUID], Awaitable[list[Row]]]) -> AsyncGenerator[Row, None]:
    after = FIRST
    while page := await query(after):
        for row in page:
            yield row
        after = page[-1].id


def _id(item: Item) -> str:
    return encode(Prefix.FOLDER if item.kind is ItemKind.FOLDER else Prefix.FILE, item.id)
