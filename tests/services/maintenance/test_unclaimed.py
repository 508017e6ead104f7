"""Blobs without a row: a file gets its rows back, garbage is deleted, and all others are kept."""

import errno
import os
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from uuid_utils.compat import uuid7

from services.core.clock import now
from services.maintenance.doctor import Doctor
from services.maintenance.findings import Code
from services.maintenance.sweeper import Sweeper
from services.uploads.published_record import PublishedRecord, read_record, write_record
from storage.accounts.models import Account
from storage.drive.models import Blob, FileVersion, Item
from storage.jobs import jobs
from storage.jobs.models import JobKind
from storage.uploads.models import QuarantinedBlob, Upload, UploadStatus
from tests.services.conftest import Bench
from tests.services.maintenance.published import CONTENT, content_of, damage, grow_old, published
from tests.support.faults.failing_disk import FailingDisk
from tests.support.file_age import set_age
from tests.support.server import digest

S = UploadStatus
Found = tuple[Code, str, str | None]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "blobs"


async def found(bench: Bench, *, mend: bool = False, ttl: timedelta = timedelta(days=30)) -> list[Found]:
    doctor = Doctor(bench.store, mend=mend, quarantine_ttl=ttl)
    return [(one.code, one.subject, one.mended) async for one in doctor.examine()]


@pytest.mark.parametrize("status", [S.RECEIVING, S.EXPIRED, S.FAILED])
async def test_an_upload_whose_bytes_were_published_gets_its_file_back(
    bench: Bench, ada: UUID, status: UploadStatus
) -> None:
    upload = await published(bench, ada, status=status)
    key = str(upload.id)
    assert await found(bench) == [(Code.BLOB_ADOPTABLE, key, None)]
    assert await found(bench, mend=True) == [(Code.BLOB_ADOPTABLE, key, "adopted")]
    assert await found(bench) == []
    upload = await Upload.get(id=upload.id)
    file = await FileVersion.get(id=upload.version_id).select_related("blob", "item")
    assert (upload.status, upload.error_code, file.item.name, file.media) == (
        S.READY,
        None,
        "film.mp4",
        {"container": "mp4"},
    )
    assert (file.account_id, file.blob.sha256) == (ada, digest(CONTENT))
    assert await content_of(bench.store, upload) == CONTENT


async def test_an_upload_that_was_begun_after_the_database_was_copied_gets_its_rows_back(
    bench: Bench, ada: UUID
) -> None:
    upload = await published(bench, ada)
    await upload.delete()
    assert await found(bench, mend=True) == [(Code.BLOB_ADOPTABLE, str(upload.id), "adopted")]
    again = await Upload.get(id=upload.id)
    assert (again.status, again.account_id, again.created_at) == (S.READY, ada, upload.created_at)
    assert (await FileVersion.get(id=again.version_id).select_related("item")).item.name == "film.mp4"
    assert await found(bench) == []


async def test_a_compression_that_was_requested_is_queued_again(bench: Bench, ada: UUID) -> None:
    upload = await published(bench, ada, compress={"preset": "FAST", "max_height": None})
    record = await read_record(bench.store, str(upload.id))
    assert record
    await write_record(bench.store, str(upload.id), PublishedRecord.of(upload, record.sha256, record.media))
    await upload.delete()
    assert await found(bench, mend=True) == [(Code.BLOB_ADOPTABLE, str(upload.id), "adopted")]
    assert (await Upload.get(id=upload.id)).status is S.COMPRESSING
    job = await jobs.find(JobKind.COMPRESS, upload.id)
    assert job


async def test_the_bytes_of_an_unknown_account_are_kept_and_reported(bench: Bench, ada: UUID, root: Path) -> None:
    upload = await published(bench, ada)
    await Item.filter(account_id=ada).delete()
    await Account.filter(id=ada).delete()
    grow_old(root, upload)
    for _ in range(2):
        assert await found(bench, mend=True, ttl=timedelta(0)) == [(Code.BLOB_UNKNOWN, str(upload.id), None)]
    assert await content_of(bench.store, upload) == CONTENT


async def test_bytes_that_have_changed_since_are_never_made_a_file_and_are_kept(
    bench: Bench, ada: UUID, root: Path
) -> None:
    upload = await published(bench, ada, status=S.EXPIRED)
    damage(root, upload)
    assert await found(bench, mend=True) == [(Code.BLOB_UNKNOWN, str(upload.id), None)]
    grow_old(root, upload)
    assert await found(bench, mend=True) == [(Code.BLOB_QUARANTINED, str(upload.id), None)]
    assert len(await content_of(bench.store, upload)) == len(CONTENT)
    assert await FileVersion.all().count() == 0


async def test_bytes_that_cannot_be_read_do_not_keep_the_others_from_becoming_files(
    bench: Bench, ada: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = await published(bench, ada), await published(bench, ada)
    read = bench.store.read

    def fail_for_one(key: str, offset: int, length: int) -> AsyncIterator[bytes]:
        if key == str(bad.id):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return read(key, offset, length)

    monkeypatch.setattr(bench.store, "read", fail_for_one)
    assert set(await found(bench, mend=True)) == {
        (Code.BLOB_UNKNOWN, str(bad.id), None),
        (Code.BLOB_ADOPTABLE, str(good.id), "adopted"),
    }
    monkeypatch.undo()
    assert await found(bench, mend=True) == [(Code.BLOB_ADOPTABLE, str(bad.id), "adopted")]


@pytest.mark.parametrize("record", [True, False], ids=["record", "older version"])
async def test_an_upload_that_its_owner_aborted_stays_aborted_and_its_bytes_are_kept_for_a_while(
    bench: Bench, ada: UUID, sweeper: Sweeper, root: Path, *, record: bool
) -> None:
    upload = await published(bench, ada, record=record, status=S.ABORTED)
    grow_old(root, upload)
    await sweeper.sweep()
    key = str(upload.id)
    assert await found(bench) == [(Code.BLOB_QUARANTINED, key, None)]
    assert await found(bench, mend=True, ttl=timedelta(0)) == [(Code.BLOB_QUARANTINED, key, None)]
    assert await content_of(bench.store, upload) == CONTENT
    await QuarantinedBlob.filter(key=key).update(since=now() - timedelta(days=29))
    assert await found(bench, mend=True) == [(Code.BLOB_QUARANTINED, key, None)]
    await QuarantinedBlob.filter(key=key).update(since=now() - timedelta(days=31))
    assert await found(bench) == [(Code.BLOB_QUARANTINED, key, None)]
    assert await found(bench, mend=True) == [(Code.BLOB_QUARANTINED, key, "removed")]
    assert await found(bench) == []
    assert await QuarantinedBlob.all().count() == 0
    assert await bench.store.records.read(key) is None


async def test_bytes_in_quarantine_do_not_become_a_file_once_the_row_of_their_upload_is_gone(
    bench: Bench, ada: UUID, root: Path
) -> None:
    upload = await published(bench, ada, status=S.ABORTED)
    grow_old(root, upload)
    await found(bench, mend=True)
    await upload.delete()
    assert await found(bench, mend=True) == [(Code.BLOB_UNKNOWN, str(upload.id), None)]


async def test_bytes_of_an_older_version_are_a_file_if_they_are_what_their_client_declared(
    bench: Bench, ada: UUID
) -> None:
    upload = await published(bench, ada, record=False, declared=digest(CONTENT))
    expected = [(Code.BLOB_ADOPTABLE, str(upload.id), "adopted"), (Code.RECORD_MISSING, "the store", "written")]
    assert await found(bench, mend=True) == expected
    assert (await Upload.get(id=upload.id)).status is S.READY


async def test_bytes_of_an_older_version_that_cannot_be_proven_are_kept_for_a_while(
    bench: Bench, ada: UUID, sweeper: Sweeper, root: Path
) -> None:
    upload = await published(bench, ada, record=False)
    await sweeper.sweep()
    assert (await Upload.get(id=upload.id)).status is S.EXPIRED
    grow_old(root, upload)
    assert await found(bench, mend=True) == [(Code.BLOB_QUARANTINED, str(upload.id), None)]
    assert await content_of(bench.store, upload) == CONTENT


async def test_two_doctors_at_once_make_one_file(bench: Bench, ada: UUID) -> None:
    upload = await published(bench, ada)
    first, second = Doctor(bench.store, mend=True).examine(), Doctor(bench.store, mend=True).examine()
    assert (await anext(first)).mended == "adopted"
    assert [one async for one in second] == []
    assert await FileVersion.all().count() == await Blob.filter(key=str(upload.id)).count() == 1


@pytest.mark.parametrize("key", [str(uuid7()), "a file of the operator"], ids=["original", "backup"])
async def test_a_blob_of_which_the_database_knows_nothing_is_never_deleted(
    bench: Bench, root: Path, tmp_path: Path, key: str
) -> None:
    """The database may be the wrong one."""
    (tmp_path / key).write_bytes(b"bytes")
    await bench.store.put(key, tmp_path / key)
    set_age(root, key)
    for _ in range(2):
        assert await found(bench, mend=True, ttl=timedelta(0)) == [(Code.BLOB_UNKNOWN, key, None)]


async def test_a_record_of_another_upload_proves_nothing(bench: Bench, ada: UUID, root: Path) -> None:
    first, second = await published(bench, ada), await published(bench, ada, record=False, status=S.EXPIRED)
    record = await bench.store.records.read(str(first.id))
    assert record
    await bench.store.records.write(str(second.id), record)
    grow_old(root, second)
    assert (Code.BLOB_QUARANTINED, str(second.id), None) in await found(bench)


async def test_a_derived_blob_is_garbage_whatever_its_age_in_the_database(
    bench: Bench, root: Path, tmp_path: Path
) -> None:
    key = f"d-{uuid4()}"
    (tmp_path / key).write_bytes(b"bytes")
    await bench.store.put(key, tmp_path / key)
    assert await found(bench, mend=True) == []
    set_age(root, key)
    assert await found(bench, mend=True) == [(Code.BLOB_ORPHAN, key, "removed")]


async def test_bytes_that_an_operator_copied_are_adopted_only_once_the_disk_has_them(
    bench: Bench, ada: UUID, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = await published(bench, ada, status=S.EXPIRED)
    disk = FailingDisk(root, monkeypatch)
    disk.fail_once((0, 1))
    ((code, _, mended),) = await found(bench, mend=True)
    assert (code, mended) == (Code.BLOB_UNKNOWN, None)
    assert (await Upload.get(id=upload.id)).status is S.EXPIRED
    disk.drop_all_pages()
    assert await content_of(bench.store, upload) != CONTENT
