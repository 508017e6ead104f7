"""An account's storage: what counts, once, and concurrent uploads."""

import pytest

from storage.accounts.models import Account
from storage.database.connection import atomically
from storage.drive import blobs
from storage.drive.models import Blob, FileVersion, Rendition, RenditionKind
from storage.errors import OverQuota
from storage.uploads import usage
from storage.uploads.models import Upload, UploadStatus
from tests.storage.rows import LATER, insert, new_account, new_upload, new_version, run_together

#: Starts uploads of 10 bytes while the quota of 95 allows it, and prints their number.
GREEDY = """
from datetime import UTC, datetime, timedelta
from uuid import UUID
from storage.errors import OverQuota
from storage.uploads.models import Upload
from storage.uploads.new_uploads import Draft, insert_all
async def main(account_id):
    done, later = 0, datetime.now(UTC) + timedelta(days=1)
    for _ in range(20):
        upload = Upload(account_id=UUID(account_id), file_name="a", mime_type="a/b", size=10, chunk_size=10,
                        expires_at=later)
        draft = Draft(upload)
        await insert_all(upload.account_id, [draft], datetime.now(UTC), quota=95)
        done += not isinstance(draft.refusal, OverQuota)
    print(done)
"""

pytestmark = pytest.mark.usefixtures("database")


async def new_blob(account: Account, size: int) -> Blob:
    key = f"blob of {size}"
    return await atomically(lambda: blobs.add_original(account.id, key=key, size=size, sha256="0" * 64))


async def new_rendition(account: Account, version: FileVersion, size: int) -> Rendition:
    key = f"rendition of {size}"
    blob = await atomically(lambda: blobs.add_derived(account.id, key=key, size=size, sha256="0" * 64))
    kind = RenditionKind.COMPRESSED_VIDEO
    return await Rendition.create(version=version, kind=kind, mime_type="a/b", blob=blob)


async def new_file(account: Account, blob: Blob) -> FileVersion:
    return await new_version(account.id, blob, "file", "a/b")


async def test_a_new_account_takes_no_space() -> None:
    assert await usage.measure((await new_account()).id, 7) == usage.Space(7, 0, 0, 0)


async def test_originals_and_what_was_made_of_them_are_told_apart_and_counted_once() -> None:
    ada = await new_account()
    shared = await new_blob(ada, 100)
    files = [await new_file(ada, blob) for blob in (shared, shared, await new_blob(ada, 30))]
    await new_rendition(ada, files[0], 8)
    found = await usage.measure(ada.id, None)
    assert (found.originals, found.derived, found.used) == (130, 8, 138)


async def test_the_storage_of_other_accounts_does_not_count() -> None:
    ada, bob = await new_account(), await new_account()
    await new_file(bob, await new_blob(bob, 100))
    await new_upload(bob)
    assert await usage.measure(ada.id, None) == usage.Space(None, 0, 0, 0)


@pytest.mark.parametrize("status", list(UploadStatus))
async def test_an_upload_reserves_its_size_until_it_has_a_file_or_no_bytes(status: UploadStatus) -> None:
    ada = await new_account()
    await new_upload(ada, status=status)
    counts = status in {UploadStatus.RECEIVING, UploadStatus.REASSEMBLING, UploadStatus.FAILED}
    assert (await usage.measure(ada.id, None)).reserved == (27 if counts else 0)


@pytest.mark.parametrize(("code", "reserved"), [("INTERNAL", 27), ("CHECKSUM_MISMATCH", 0)])
async def test_a_failed_upload_counts_while_its_bytes_are_kept_for_a_retry(code: str, reserved: int) -> None:
    ada = await new_account()
    await new_upload(ada, status=UploadStatus.FAILED, error_code=code)
    assert (await usage.measure(ada.id, None)).reserved == reserved


async def test_the_quota_holds_to_the_byte() -> None:
    ada = await new_account()
    await new_file(ada, await new_blob(ada, 40))
    await new_upload(ada)
    upload = Upload(account_id=ada.id, file_name="a", mime_type="a/b", size=33, chunk_size=10, expires_at=LATER)
    with pytest.raises(OverQuota):
        await insert(upload, quota=99)
    await insert(upload, quota=100)


async def test_processes_that_begin_at_once_stay_within_the_quota(database: str) -> None:
    ada = await new_account()
    counts = await run_together(database, GREEDY, *[(str(ada.id),)] * 2)
    assert sum(map(int, counts)) == await Upload.all().count() == 9
