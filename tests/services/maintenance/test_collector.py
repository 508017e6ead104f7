"""The bytes of deleted files are deleted after the grace, and never while something may need them."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from services.core.clock import now
from services.core.counters import Counters
from services.drive.downloads import Downloads
from services.maintenance.collector import Collector
from services.maintenance.doctor import Doctor
from services.maintenance.findings import Code
from services.uploads.published_record import PublishedRecord, read_record, write_record
from services.uploads.types import NewUpload
from storage.blobs import LocalBlobStore
from storage.deletion import collection, items
from storage.drive import versions
from storage.drive.models import Blob, FileVersion, Item
from storage.errors import BlobNotFound, StoreUnavailable
from storage.uploads.models import ObsoleteRecord, Upload, UploadStatus
from tests.services.conftest import Bench
from tests.services.maintenance.published import CONTENT, published
from tests.support.server import digest

GRACE = timedelta(days=1)
LONG_AGO = timedelta(days=2)


@pytest.fixture
def collector(bench: Bench) -> Collector:
    return Collector(bench.store, GRACE)


async def findings(bench: Bench, *, mend: bool = False) -> list[Code]:
    return [found.code async for found in Doctor(bench.store, mend=mend).examine()]


async def ready(bench: Bench, owner: UUID) -> Upload:
    """An upload with its file."""
    upload = await published(bench, owner)
    assert await findings(bench, mend=True) == [Code.BLOB_ADOPTABLE]
    return await Upload.get(id=upload.id)


async def again(bench: Bench, owner: UUID, name: str = "copy.mp4") -> Upload:
    """The same file under another name."""
    return await bench.uploads.init(owner, NewUpload(name, len(CONTENT), sha256=digest(CONTENT)))


async def delete(upload: Upload) -> None:
    version = await FileVersion.get(id=upload.version_id)
    assert (await items.delete(upload.account_id, [version.item_id], now())).tops == 1


async def pass_grace() -> None:
    """Let the grace be over."""
    await Blob.filter(released_at__isnull=False).update(released_at=now() - LONG_AGO)
    await ObsoleteRecord.all().update(since=now() - LONG_AGO)


def files_in(tmp_path: Path) -> list[str]:
    return sorted(path.name for path in (tmp_path / "blobs").rglob("*") if path.is_file())


async def test_the_bytes_and_the_record_are_deleted_after_the_grace(
    bench: Bench, ada: UUID, collector: Collector, tmp_path: Path
) -> None:
    upload = await ready(bench, ada)
    await delete(upload)
    assert await collector.collect() == 0
    assert str(upload.id) in files_in(tmp_path)
    assert await findings(bench, mend=True) == []
    await pass_grace()
    assert await collector.collect() == 1
    assert files_in(tmp_path) == []
    assert not await Blob.all().exists()
    assert await findings(bench, mend=True) == []


async def test_what_was_collected_is_counted(bench: Bench, ada: UUID) -> None:
    await delete(await ready(bench, ada))
    await pass_grace()
    counters = Counters()
    await Collector(bench.store, GRACE, counters).collect()
    assert (counters.deletion.collected_blobs, counters.deletion.collected_bytes) == (1, len(CONTENT))


async def test_bytes_that_another_file_shares_stay_until_it_is_deleted(
    bench: Bench, ada: UUID, collector: Collector
) -> None:
    first = await ready(bench, ada)
    second = await again(bench, ada)
    await delete(first)
    await pass_grace()
    assert await collector.collect() == 0
    assert await read_all(bench.store, first) == CONTENT
    await delete(second)
    await pass_grace()
    assert await collector.collect() == 1


async def read_all(store: LocalBlobStore, upload: Upload) -> bytes:
    return b"".join([block async for block in store.read(str(upload.id), 0, len(CONTENT))])


async def test_a_deleted_file_that_shared_bytes_does_not_come_back(
    bench: Bench, ada: UUID, collector: Collector
) -> None:
    await ready(bench, ada)
    second = await again(bench, ada)
    await delete(second)
    # Neither before its record is deleted nor after that.
    assert await findings(bench, mend=True) == []
    assert await read_record(bench.store, str(second.id))
    await pass_grace()
    await collector.collect()
    assert await read_record(bench.store, str(second.id)) is None
    assert await findings(bench, mend=True) == []
    assert not await ObsoleteRecord.all().exists()
    assert await FileVersion.all().count() == 1


async def test_a_record_that_is_written_late_is_deleted_as_well(
    bench: Bench, ada: UUID, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    await ready(bench, ada)
    late: list[tuple[LocalBlobStore, str, PublishedRecord]] = []

    async def write_later(*arguments: Any) -> None:
        late.append(arguments)

    monkeypatch.setattr("services.uploads.init.ready_uploads.write_record", write_later)
    second = await again(bench, ada)
    await delete(second)
    await collector.collect()
    await write_record(*late[0])
    assert await findings(bench, mend=True) == []
    await pass_grace()
    await collector.collect()
    assert await read_record(bench.store, str(second.id)) is None


async def test_the_next_collector_continues_where_one_was_killed(
    bench: Bench, ada: UUID, collector: Collector, tmp_path: Path
) -> None:
    upload = await ready(bench, ada)
    await delete(upload)
    await pass_grace()
    blob = await Blob.get()
    await collection.claim(ada, [blob.id], now())
    await bench.store.delete(blob.key)
    # The bytes are deleted, and the row is there.
    assert await findings(bench, mend=True) == []
    assert await collector.collect() == 1
    assert files_in(tmp_path) == []


async def test_a_store_that_is_away_is_asked_again_later(
    bench: Bench, ada: UUID, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    await delete(await ready(bench, ada))
    await pass_grace()

    async def refuse(key: str) -> None:
        raise StoreUnavailable("away")

    with monkeypatch.context() as patch:
        patch.setattr(bench.store, "delete", refuse)
        assert await collector.collect() == 0
    assert await Blob.filter(is_deleting=True).count() == 1
    assert await collector.collect() == 1


async def test_a_download_that_runs_gets_all_bytes(bench: Bench, ada: UUID, collector: Collector) -> None:
    upload = await ready(bench, ada)
    assert upload.version_id
    downloads = Downloads(bench.store)
    content = await downloads.version(upload.version_id)
    blocks: AsyncIterator[bytes] = downloads.read(content, 0, content.size, lambda: 1_000)
    received = await anext(blocks)
    await delete(upload)
    await pass_grace()
    assert await collector.collect() == 1
    async for block in blocks:
        received += block
    assert received == CONTENT


async def test_the_same_file_is_ready_at_once_within_the_grace_and_sent_again_after_it(
    bench: Bench, ada: UUID, collector: Collector
) -> None:
    first = await ready(bench, ada)
    second = await again(bench, ada)
    await delete(first)
    await delete(second)
    assert (await again(bench, ada, "third.mp4")).status is UploadStatus.RECEIVING
    await pass_grace()
    assert await collector.collect() == 1
    with pytest.raises(BlobNotFound):
        await bench.store.stat(str(first.id))


async def test_a_restored_database_has_every_file_again_within_the_grace(
    bench: Bench, ada: UUID, collector: Collector
) -> None:
    upload = await ready(bench, ada)
    rows = [await table.all() for table in (Item, FileVersion, Upload)]
    await delete(upload)
    await collector.collect()
    # As a copy of the database has it: the blob was not released then.
    await Blob.all().update(released_at=None)
    for row in [row for table in rows for row in table if row.id != ada]:
        row._saved_in_db = False
        await row.save(force_create=True)
    assert await findings(bench, mend=True) == [Code.USAGE]
    assert await read_all(bench.store, upload) == CONTENT
    assert upload.version_id
    assert await versions.find(upload.version_id)
    await pass_grace()
    assert await collector.collect() == 0
