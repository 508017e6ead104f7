"""Promises of the local store only: durability step by step, no copies, one pool of threads."""

import asyncio
import os
import shutil
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from storage.blobs import LocalBlobStore, open_blob_store
from storage.blobs.local import folder
from storage.blobs.local.store import THREADS
from storage.errors import NoSpace
from tests.contracts.blob_backends import scanned
from tests.support.faults.disk import files_end_at

MEMORY = Path("/dev/shm")
CONTENT = b"some bytes" * 10_000


@pytest.fixture
def key() -> str:
    return str(uuid4())


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The folder of the fixture ``store``."""
    return tmp_path / "blobs"


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Path]:
    """A folder on another file system."""
    if not MEMORY.is_dir() or MEMORY.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is only one file system here")
    folder = MEMORY / f"cloudkeep-test-{uuid4()}"
    folder.mkdir()
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The paths that were made durable, in order, as they were called at that moment."""
    paths: list[Path] = []

    def record(descriptor: int, fsync: Callable[[int], None] = os.fsync) -> None:
        paths.append(Path(os.readlink(f"/proc/self/fd/{descriptor}")))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", record)
    return paths


async def stage(store: LocalBlobStore, key: str) -> None:
    await store.stage(key, len(CONTENT))
    async with store.slot(key, 0, len(CONTENT)) as writer:
        await writer.write([CONTENT])
        await writer.finish()


async def bytes_of(blocks: AsyncIterator[bytes]) -> bytes:
    return b"".join([block async for block in blocks])


def folders_of(root: Path, key: str) -> list[Path]:
    return [root / "blobs" / key[-2:] / key[-4:-2], root / "blobs" / key[-2:], root / "blobs", root]


async def test_the_room_of_a_staging_area_is_taken_at_once(store: LocalBlobStore, key: str, root: Path) -> None:
    await store.stage(key, 10_000_000)
    assert (root / "staging" / key).stat().st_blocks * 512 >= 10_000_000


async def test_a_staging_area_outlives_a_power_cut(
    store: LocalBlobStore, key: str, root: Path, synced: list[Path]
) -> None:
    await store.stage(key, 1_000)
    assert synced == [root / "staging"]


async def test_publishing_copies_nothing(store: LocalBlobStore, key: str, root: Path) -> None:
    await stage(store, key)
    inode = (root / "staging" / key).stat().st_ino
    await store.publish(key)
    async with store.local_path(key) as path:
        assert path.stat().st_ino == inode


async def test_a_blob_is_durable_before_it_has_its_name_and_then_its_name_is(
    store: LocalBlobStore, key: str, root: Path, synced: list[Path]
) -> None:
    await stage(store, key)
    synced.clear()
    await store.prepare(key)
    assert synced == [root / "staging" / key, *folders_of(root, key)]
    synced.clear()
    await store.publish(key)
    assert synced == folders_of(root, key)[:1]


async def test_publishing_again_makes_the_name_durable_that_a_killed_process_left(
    store: LocalBlobStore, key: str, root: Path, synced: list[Path]
) -> None:
    await stage(store, key)
    await store.publish(key)
    synced.clear()
    await store.publish(key)
    assert synced == folders_of(root, key)[:1]


async def test_a_blob_that_becomes_a_staging_area_again_keeps_its_bytes_and_its_new_name(
    store: LocalBlobStore, key: str, root: Path, synced: list[Path]
) -> None:
    await stage(store, key)
    await store.publish(key)
    synced.clear()
    await store.unpublish(key)
    assert synced == [root / "staging"]
    assert (root / "staging" / key).read_bytes() == CONTENT


async def test_a_staging_area_is_not_replaced_by_the_blob_of_the_same_key(
    store: LocalBlobStore, key: str, root: Path
) -> None:
    await stage(store, key)
    await store.publish(key)
    await store.stage(key, 5)
    await store.unpublish(key)
    assert (root / "staging" / key).read_bytes() == bytes(5)
    assert await bytes_of(store.read(key, 0, len(CONTENT))) == CONTENT


async def test_a_record_is_durable_before_it_has_its_name_and_then_its_name_is_and_only_its_owner_can_read_it(
    store: LocalBlobStore, key: str, root: Path, synced: list[Path]
) -> None:
    await store.records.write(key, b"record")
    path = root / "records" / key[-2:] / key[-4:-2] / f"{key}.json"
    assert synced[0].parent == root / "staging"
    assert synced[1:] == [path.parent, path.parent.parent, root / "records", root]
    assert path.stat().st_mode & 0o777 == 0o600


async def test_a_record_that_finds_no_space_leaves_the_earlier_one(store: LocalBlobStore, key: str, root: Path) -> None:
    await store.records.write(key, b"record")
    with files_end_at(1_000), pytest.raises(NoSpace):
        await store.records.write(key, bytes(2_000))
    assert await store.records.read(key) == b"record"
    assert list((root / "staging").iterdir()) == []


async def test_a_staging_area_with_a_record_is_kept_as_a_blob(store: LocalBlobStore, key: str, root: Path) -> None:
    """Its bytes were verified once, so they may be the only copy of a file."""
    await stage(store, key)
    await store.records.write(key, b"record")
    await store.discard(key)
    assert list((root / "staging").iterdir()) == []
    assert await bytes_of(store.read(key, 0, len(CONTENT))) == CONTENT


async def test_a_file_that_is_put_is_durable_before_it_has_its_name_and_then_its_name_is(
    store: LocalBlobStore, key: str, root: Path, synced: list[Path], tmp_path: Path
) -> None:
    source = tmp_path / "source"
    source.write_bytes(CONTENT)
    await store.put(key, source)
    assert synced == [root / "staging" / f"{key}.put", *folders_of(root, key)]


async def test_a_file_of_another_file_system_is_taken_over(store: LocalBlobStore, key: str, elsewhere: Path) -> None:
    source = elsewhere / "source"
    source.write_bytes(CONTENT)
    await store.put(key, source)
    assert await bytes_of(store.read(key, 0, len(CONTENT))) == CONTENT
    assert list(elsewhere.iterdir()) == []


async def test_a_file_that_finds_no_space_stays_where_it_is(
    store: LocalBlobStore, key: str, root: Path, elsewhere: Path
) -> None:
    source = elsewhere / "source"
    source.write_bytes(CONTENT)
    with files_end_at(1_000), pytest.raises(NoSpace):
        await store.put(key, source)
    assert source.read_bytes() == CONTENT
    assert list((root / "staging").iterdir()) == []


async def test_what_is_staged_can_be_read_while_another_process_publishes_it(
    store: LocalBlobStore, key: str, root: Path
) -> None:
    """While its threads are busy, the store finds the bytes now and opens them after they were renamed."""
    await stage(store, key)
    go = threading.Event()
    for _ in range(THREADS):
        store._pool.submit(go.wait)
    reader = asyncio.create_task(scanned(store, key, 0, len(CONTENT)))
    await asyncio.sleep(0)
    other = LocalBlobStore(root)
    await other.publish(key)
    go.set()
    assert await reader == CONTENT
    await other.close()


async def test_a_reader_continues_after_its_blob_was_deleted(store: LocalBlobStore, key: str) -> None:
    await store.stage(key, 3_000_000)
    await store.publish(key)
    blocks = store.read(key, 0, 3_000_000)
    first = await anext(blocks)
    await store.delete(key)
    assert len(first + await bytes_of(blocks)) == 3_000_000


async def test_a_closed_store_has_no_threads(tmp_path: Path) -> None:
    before = set(threading.enumerate())
    store = LocalBlobStore(tmp_path)
    await stage(store, "key")
    await store.close()
    for thread in set(threading.enumerate()) - before:
        await asyncio.to_thread(thread.join, 60)
        assert not thread.is_alive()


@pytest.mark.parametrize("url", ["ftp://host", "/a/path", ""])
async def test_a_scheme_that_no_store_has_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="no blob store"):
        await open_blob_store(url)


async def test_the_landing_file_of_a_put_that_was_killed_is_listed_and_can_be_discarded(
    store: LocalBlobStore, root: Path, key: str
) -> None:
    (root / "staging" / f"{key}.put").write_bytes(b"half of it")
    (found,) = [found async for found in store.staging_areas()]
    assert (found.key, found.size) == (f"{key}.put", 10)
    await store.discard(found.key)
    assert [found async for found in store.staging_areas()] == []


async def test_folders_and_links_in_the_store_are_not_listed(store: LocalBlobStore, root: Path, tmp_path: Path) -> None:
    (root / "staging" / "folder").mkdir()
    (root / "staging" / "link").symlink_to(tmp_path)
    (root / "blobs" / "00" / "00" / "folder").mkdir(parents=True)
    (root / "blobs" / "a note").touch()
    assert [found async for found in store.staging_areas()] == []
    assert [found async for found in store.blobs()] == []


async def test_a_reserve_keeps_new_staging_areas_out_and_disturbs_nothing_else(root: Path, key: str) -> None:
    empty, full = LocalBlobStore(root, 0), LocalBlobStore(root, 2**60)
    await empty.stage(key, len(CONTENT))
    with pytest.raises(NoSpace):
        await full.stage("another", 1)
    await full.stage(key, len(CONTENT))
    assert [path.name for path in (root / "staging").iterdir()] == [key]
    await full.publish(key)
    for store in (empty, full):
        await store.close()


async def test_the_free_space_is_what_a_staging_area_can_still_take(root: Path, key: str) -> None:
    store, full = LocalBlobStore(root, 2**20), LocalBlobStore(root, 2**53)
    free = await store.free_space()
    with pytest.raises(NoSpace):
        await store.stage(key, free + 2**40)
    await store.stage(key, 10_000)
    assert (free > 10_000, await full.free_space()) == (True, 0)
    for each in (store, full):
        await each.close()


async def test_a_blob_stays_one_if_the_process_is_killed_while_its_name_is_written_again(
    store: LocalBlobStore, root: Path, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise an older database, whose receipts do not prove all of its bytes, would ask for some of them again."""
    source = root / "source"
    source.write_bytes(CONTENT)
    await store.put(key, source)
    (root / "syncing" / key).touch()

    def killed(source: Path, target: Path) -> None:
        source.rename(target)
        raise InterruptedError

    with monkeypatch.context() as patch:
        patch.setattr(folder, "_rename", killed)
        with pytest.raises(InterruptedError):
            await store.reread_after_failed_sync(key)
    assert await store.reread_after_failed_sync(key)
    assert (await store.stat(key)).size == len(CONTENT)
    await store.publish(key)
    assert not await store.reread_after_failed_sync(key)
