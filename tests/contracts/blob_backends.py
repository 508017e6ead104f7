"""The blob stores that the contract is asked of, and what can happen to them."""

import asyncio
import hashlib
import random
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AbstractContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from xxhash import xxh3_128_hexdigest

from storage.blobs import BLOCK, BlobStore, Digests, open_blob_store
from storage.errors import SlotLocked
from tests.support.disk import files_end_at

ROOT = Path(__file__).parents[2]
SLOT = 100_000
CONTENT = random.Random(1).randbytes(10 * SLOT - 1)
BIG = [random.Random(2).randbytes(BLOCK)] * 48
#: Holds a slot until its standard input ends.
HOLDER = """
import asyncio, sys
from storage.blobs import open_blob_store
async def hold(url, key, offset, size):
    async with open_blob_store(url).slot(key, int(offset), int(size)):
        print("held", flush=True)
        await asyncio.to_thread(sys.stdin.read)
asyncio.run(hold(*sys.argv[1:]))
"""


@dataclass(frozen=True)
class BlobBackend:
    """A store, and what can happen to it."""

    store: BlobStore
    #: Opens the same store, here or in another process.
    url: str
    #: As long as it is entered, nothing is stored past this offset of a file.
    full_from: Callable[[int], AbstractContextManager[None]]
    #: From now on nothing can be written at all.
    break_down: Callable[[], object]


@asynccontextmanager
async def local_backend(folder: Path) -> AsyncIterator[BlobBackend]:
    root = folder / "a store"
    url = root.as_uri()
    store = open_blob_store(url)
    yield BlobBackend(store, url, files_end_at, lambda: root.rename(folder / "gone"))
    await store.close()


#: S3 joins here.
BACKENDS: list[Callable[[Path], AbstractAsyncContextManager[BlobBackend]]] = [local_backend]


def digests(content: bytes) -> Digests:
    return Digests(hashlib.sha256(content).hexdigest(), xxh3_128_hexdigest(content))


async def scanned(store: BlobStore, key: str, offset: int, length: int) -> bytes:
    seen: list[bytes] = []
    await store.scan(key, offset, length, lambda block: seen.append(bytes(block)))
    return b"".join(seen)


async def fill(store: BlobStore, key: str, offset: int, content: bytes) -> Digests:
    async with store.slot(key, offset, len(content)) as writer:
        await writer.write([content[: len(content) // 3], content[len(content) // 3 :]])
        return await writer.finish()


async def staged(store: BlobStore, key: str, content: bytes = CONTENT) -> None:
    await store.stage(key, len(content))
    await fill(store, key, 0, content)


async def published(store: BlobStore, key: str, content: bytes = CONTENT) -> None:
    await staged(store, key, content)
    await store.publish(key)


async def bytes_of(blocks: AsyncIterator[bytes]) -> bytes:
    return b"".join([block async for block in blocks])


async def is_free(store: BlobStore, key: str, offset: int, size: int) -> bool:
    try:
        async with store.slot(key, offset, size):
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
