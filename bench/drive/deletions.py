"""Deletions: a folder with everything in it, as a job does it, and single files beside an upload."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from time import perf_counter
from uuid import UUID, uuid4

from bench.drive.databases import FilledDatabase
from bench.drive.fill import NOW, SHA256, add_accounts, add_content, add_items, file, folder, root
from bench.drive.timing import Timing
from services.core.pacing import LEAST_PAUSE
from storage.blobs import Digests
from storage.database.connection import close_database, open_database
from storage.deletion import items
from storage.uploads import new_uploads, receipts
from storage.uploads.models import Upload
from storage.uploads.new_uploads import Draft

FILES_OF_A_FOLDER = 1_000
#: Single files that are deleted each second beside the upload.
RATE = 200
#: Items of one request.
REQUEST = 20
SECONDS = 10
CHUNKS = 2_000
LATER = NOW + timedelta(days=1)


async def measure(database: FilledDatabase, count: int, runs: int) -> list[Timing]:
    """Delete a folder with ``count`` files, and then single ones; ``runs`` is not used."""
    (account_id,) = await add_accounts(database, 1)
    top = folder(root(account_id), "everything")
    folders = [folder(top, f"folder {number}") for number in range(max(1, count // FILES_OF_A_FOLDER))]
    single = [file(root(account_id), f"single {number}") for number in range(min(RATE * SECONDS, count))]
    many = [file(folders[number % len(folders)], f"file {number}") for number in range(count)]
    await add_items(database, [root(account_id), top, *folders, *many, *single])
    await add_content(database, [*many, *single])
    await database.finish()
    await open_database(database.url)
    try:
        beside = await _beside_an_upload(database.kind, account_id, [item.id for item in single], min(CHUNKS, count))
        return [*beside, *await _delete_all(database.kind, account_id, top.id, count)]
    finally:
        await close_database()


async def _delete_all(kind: str, account_id: UUID, top: UUID, count: int) -> list[Timing]:
    """Delete the folder as a request and then a job do it, with the pauses of the job."""
    start = perf_counter()
    await items.delete(account_id, [top], LATER)
    request = (perf_counter() - start) * 1000
    steps: list[float] = []
    while True:
        begin = perf_counter()
        rows = (await items.step(account_id, LATER)).rows
        seconds = perf_counter() - begin
        if not rows:
            break
        steps.append(seconds * 1000)
        await asyncio.sleep(max(LEAST_PAUSE, seconds))
    total = perf_counter() - start
    timings = [Timing(kind, f"delete {count:,} items: the request", [request])]
    if steps:
        # The request deletes a few items itself.
        timings.append(Timing(kind, f"delete {count:,} items: a transaction of the job, {total:.0f} s in all", steps))
    return timings


async def _beside_an_upload(kind: str, account_id: UUID, single: Sequence[UUID], chunks: int) -> list[Timing]:
    """Receipts of chunks alone, and beside deletions, of the same account and of another."""
    alone = await _receive(account_id, chunks)

    async def delete(keys: Sequence[UUID]) -> None:
        await items.delete(account_id, keys, LATER)

    requests = [single[start : start + REQUEST] for start in range(0, len(single), REQUEST)]
    deleting = asyncio.create_task(_paced(requests, delete))
    beside = await _receive(account_id, CHUNKS, until=deleting)
    rate = len(single) / await deleting
    return [
        Timing(kind, "receipt of a chunk, alone", alone),
        Timing(kind, f"receipt of a chunk, beside {rate:.0f} deletions a second", beside),
    ]


async def _receive(account_id: UUID, chunks: int, until: "asyncio.Task[float] | None" = None) -> list[float]:
    """The milliseconds of receipts, one after another."""
    upload = Upload(
        account_id=account_id,
        file_name=str(uuid4()),
        mime_type="video/mp4",
        size=10 * chunks,
        chunk_size=10,
        expires_at=LATER,
    )
    await new_uploads.insert_all(account_id, [Draft(upload)], NOW)
    milliseconds = []
    for index in range(chunks - 1):
        if until and until.done():
            break
        start = perf_counter()
        await receipts.add(upload, index, Digests(SHA256, "0" * 32), NOW, LATER)
        milliseconds.append((perf_counter() - start) * 1000)
        await asyncio.sleep(0.005)
    return milliseconds


async def _paced(requests: Sequence[Sequence[UUID]], work: Callable[[Sequence[UUID]], Awaitable[object]]) -> float:
    """Call ``work`` for each request, at ``RATE`` items a second. Returns the seconds until the last one was done."""
    start = perf_counter()
    running: set[asyncio.Future[object]] = set()
    for number, keys in enumerate(requests):
        await asyncio.sleep(max(0.0, start + number * REQUEST / RATE - perf_counter()))
        task = asyncio.ensure_future(work(keys))
        running.add(task)
        task.add_done_callback(running.discard)
    await asyncio.gather(*running)
    return perf_counter() - start
