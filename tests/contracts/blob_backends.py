"""The blob stores under the contract's tests, with their faults."""

import asyncio
import hashlib
import random
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AbstractContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from xxhash import xxh3_128_hexdigest

from storage.blobs import BLOCK, NO_OPTIONS, BlobStore, Digests, Part, S3Options, open_blob_store
from storage.errors import SlotLocked
from tests.support.backends.s3 import ACCESS_KEY, SECRET_KEY, S3Server
from tests.support.faults.disk import files_end_at

ROOT = Path(__file__).parents[2]
#: The smallest slot that every store accepts.
SLOT = 5 * 1024 * 1024
CONTENT = random.Random(1).randbytes(3 * SLOT - 1)
BIG = [random.Random(2).randbytes(BLOCK)] * 48
#: Holds a slot until its standard input ends.
HOLDER = """
import asyncio, sys
from storage.blobs import open_blob_store
async def hold(url, key, offset, size):
    async with (await open_blob_store(url)).slot(key, int(offset), int(size)):
        print("held", flush=True)
        await asyncio.to_thread(sys.stdin.read)
asyncio.run(hold(*sys.argv[1:]))
"""


@dataclass(frozen=True)
class BlobBackend:
    """A store and its faults."""

    store: BlobStore
    #: The URL of the store, in this and in other processes.
    url: str
    #: Makes every write fail from now on.
    break_down: Callable[[], object]
    options: S3Options = NO_OPTIONS
    #: While entered, writes beyond this offset of a file fail; None if this fault is not possible.
    full_from: Callable[[int], AbstractContextManager[None]] | None = None
    #: Whether the store itself excludes other processes from a slot.
    locks_processes: bool = False

    async def open(self) -> BlobStore:
        """Another client of the same store."""
        return await open_blob_store(self.url, options=self.options)


@asynccontextmanager
async def local_backend(folder: Path, _: Callable[[], S3Server]) -> AsyncIterator[BlobBackend]:
    root = folder / "a store"
    url = root.as_uri()
    store = await open_blob_store(url)
    yield BlobBackend(store, url, lambda: root.rename(folder / "gone"), full_from=files_end_at, locks_processes=True)
    await store.close()


@asynccontextmanager
async def s3_backend(folder: Path, server: Callable[[], S3Server]) -> AsyncIterator[BlobBackend]:
    running = server()
    place = running.new_place()
    url, options = running.url(place), S3Options(ACCESS_KEY, SECRET_KEY, scratch=folder)
    store = await open_blob_store(url, options=options)
    yield BlobBackend(store, url, lambda: running.delete_bucket(place), options)
    await store.close()


BACKENDS: list[Callable[[Path, Callable[[], S3Server]], AbstractAsyncContextManager[BlobBackend]]] = [
    local_backend,
    s3_backend,
]


def digests(content: bytes) -> Digests:
    return Digests(hashlib.sha256(content).hexdigest(), xxh3_128_hexdigest(content))


def same(found: Digests, content: bytes) -> bool:
    """Whether these are the digests of the content, whatever the ETag."""
    return (found.sha256, found.xxh3) == (digests(content).sha256, digests(content).xxh3)


def unknown(store: BlobStore, key: str) -> str:
    """The handle of a staging area that does not exist."""
    return key if store.reads_staging else f"{key}:{'0' * 40}:{SLOT}"


def only_where(possible: object) -> None:
    """Skip the rest of a test if the store does not have this feature."""
    if not possible:
        pytest.skip("this store has no such thing")


def full_from(backend: BlobBackend, size: int) -> AbstractContextManager[None]:
    """Make the store's device full at this offset."""
    only_where(backend.full_from)
    assert backend.full_from
    return backend.full_from(size)


async def scanned(store: BlobStore, staging: str, offset: int, length: int) -> bytes:
    seen: list[bytes] = []
    await store.scan(staging, offset, length, lambda block: seen.append(bytes(block)))
    return b"".join(seen)


async def fill(store: BlobStore, staging: str, offset: int, content: bytes) -> Digests:
    async with store.slot(staging, offset, len(content)) as writer:
        await writer.write([content[: len(content) // 3], content[len(content) // 3 :]])
        return await writer.finish()


@dataclass(frozen=True)
class Staged:
    """A staging area with all slots filled."""

    area: str
    parts: list[Part]


async def fill_all(store: BlobStore, area: str, content: bytes = CONTENT, slot: int = SLOT) -> Staged:
    """Fill every slot of a staging area."""
    parts = []
    for index, offset in enumerate(range(0, len(content), slot)):
        piece = content[offset : offset + slot]
        found = await fill(store, area, offset, piece)
        parts.append(Part(index, offset, len(piece), found.etag))
    return Staged(area, parts)


async def staged(store: BlobStore, key: str, content: bytes = CONTENT) -> Staged:
    return await fill_all(store, await store.stage(key, len(content), SLOT), content)


async def sealed(store: BlobStore, key: str, content: bytes = CONTENT) -> str:
    made = await staged(store, key, content)
    await store.seal(made.area, made.parts)
    return made.area


async def published(store: BlobStore, key: str, content: bytes = CONTENT) -> str:
    area = await sealed(store, key, content)
    assert await store.prepare(area) == key
    assert await store.publish(area) == key
    return area


async def bytes_of(blocks: AsyncIterator[bytes]) -> bytes:
    return b"".join([block async for block in blocks])


async def is_free(store: BlobStore, staging: str, offset: int, size: int) -> bool:
    try:
        async with store.slot(staging, offset, size):
            return True
    except SlotLocked:
        return False


@asynccontextmanager
async def held_elsewhere(url: str, key: str, offset: int, size: int) -> AsyncIterator[asyncio.subprocess.Process]:
    """Another process that holds a slot."""
    pipe = asyncio.subprocess.PIPE
    arguments = ["-c", HOLDER, url, key, str(offset), str(size)]
    process = await asyncio.create_subprocess_exec(sys.executable, *arguments, cwd=ROOT, stdin=pipe, stdout=pipe)
    assert process.stdin
    assert process.stdout
    try:
        assert await process.stdout.readline() == b"held\n"
        yield process
    finally:
        process.stdin.close()
        await process.wait()
