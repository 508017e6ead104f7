"""Works on the blobs of a manifest, a few at the same time."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from itertools import islice

from storage.database.backup import BlobEntry

#: Blobs at the same time: small ones wait for a disk or a network most of the time.
AT_ONCE = 4
#: Lines of the manifest that one call in a thread reads.
_LINES = 200


async def for_each(entries: Iterable[BlobEntry], work: Callable[[BlobEntry], Awaitable[None]]) -> None:
    """Call ``work`` for each entry. The first exception ends all calls and is raised. Memory holds a few entries."""
    queue: asyncio.Queue[BlobEntry | None] = asyncio.Queue(_LINES)

    async def worker() -> None:
        while entry := await queue.get():
            await work(entry)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(worker())
            source = iter(entries)
            while batch := await asyncio.to_thread(lambda: list(islice(source, _LINES))):
                for entry in batch:
                    await queue.put(entry)
            for _ in range(AT_ONCE):
                await queue.put(None)
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from None
