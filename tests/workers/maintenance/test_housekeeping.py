"""Housekeeping: one worker deletes expired rows and leftovers for all."""

from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from services.core.clock import now
from services.core.counters import Counters
from services.drive.deletion import Deletion
from services.maintenance.collector import Collector
from services.maintenance.retention import Retention
from services.maintenance.sweeper import Sweeper
from services.uploads.init.new_upload import UploadPolicy
from services.uploads.uploads import Uploads
from storage.accounts.models import Session
from storage.blobs import LocalBlobStore
from storage.database.connection import atomically
from storage.deletion.versions import VersionLimits
from storage.drive.models import Zip
from storage.jobs.models import Job
from storage.outbox import outbox
from storage.outbox.models import OutboxMail
from storage.uploads.models import Upload, UploadStatus
from tests.support.waiting import eventually
from tests.workers.conftest import DAY, Start, new_upload
from workers.job_context import JobContext
from workers.maintenance.housekeeping import Housekeeping


@pytest.fixture
def housekeeping(context: JobContext) -> Housekeeping:
    uploads = Uploads(context.store, context.progress, context.notifications, UploadPolicy(2**30, DAY))
    counters = Counters()
    collector = Collector(context.store, DAY, counters)
    retention = Retention(Deletion(context.notifications, counters), DAY, VersionLimits(None, None))
    return Housekeeping(Sweeper(context.store, uploads), collector, retention, context.membership)


async def ignore(job: Job) -> None:
    pass


async def late_upload() -> Upload:
    upload = await new_upload()
    await Upload.filter(id=upload.id).update(expires_at=now() - timedelta(seconds=1))
    return upload


async def test_an_upload_whose_time_is_over_expires_and_its_place_is_freed(
    start: Start, housekeeping: Housekeeping
) -> None:
    upload = await late_upload()
    async with start(ignore, periodic_tasks=housekeeping.tasks()):
        await eventually(lambda: Upload.get_or_none(id=upload.id, status=UploadStatus.EXPIRED))


async def test_what_a_crash_left_of_an_aborted_upload_is_swept(
    start: Start, housekeeping: Housekeeping, store: LocalBlobStore
) -> None:
    upload = await new_upload(status=UploadStatus.ABORTED)
    await store.stage(str(upload.id), 1_000)

    async def gone() -> bool:
        return [found async for found in store.staging_areas()] == []

    async with start(ignore, periodic_tasks=housekeeping.tasks()):
        await eventually(gone)


async def test_only_the_first_of_the_living_workers_sweeps(housekeeping: Housekeeping, context: JobContext) -> None:
    upload = await late_upload()
    context.membership.update(["another", "one"])
    await housekeeping.purge_and_sweep()
    assert await Upload.exists(id=upload.id, status=UploadStatus.RECEIVING)
    context.membership.update(["one", "two"])
    await housekeeping.purge_and_sweep()
    assert await Upload.exists(id=upload.id, status=UploadStatus.EXPIRED)


async def test_expired_sessions_are_purged_by_any_worker(housekeeping: Housekeeping, context: JobContext) -> None:
    account_id = (await new_upload()).account_id
    await Session.create(account_id=account_id, refresh_hash="-", expires_at=now() - timedelta(seconds=1))
    context.membership.update(["another", "one"])
    await housekeeping.purge_and_sweep()
    assert not await Session.exists(account_id=account_id)


async def test_zip_files_that_have_expired_are_purged_and_the_others_are_kept(housekeeping: Housekeeping) -> None:
    account_id = (await new_upload()).account_id
    zips: dict[str, Any] = {"account_id": account_id, "size": 22, "etag": "-", "entries": b"-"}
    for seconds in (-1, -2, 60):
        await Zip.create(**zips, name=f"{seconds}.zip", expires_at=now() + timedelta(seconds=seconds))
    await housekeeping.purge_and_sweep()
    assert [row.name for row in await Zip.all()] == ["60.zip"]


async def test_mails_that_were_sent_are_purged_and_those_that_wait_are_kept(housekeeping: Housekeeping) -> None:
    minutes, days = timedelta(minutes=2), timedelta(days=31)
    ages = {
        "sent": (minutes, minutes),
        "just sent": (minutes, timedelta(0)),
        "old": (days, None),
        "new": (minutes, None),
    }
    for kind, (age, sent) in ages.items():
        mail = OutboxMail(recipient="ada@example.org", kind=kind, params={})
        await atomically(partial(outbox.enqueue, mail, now() - age))
        await OutboxMail.filter(id=mail.id).update(sent_at=None if sent is None else now() - sent)
    await housekeeping.purge_and_sweep()
    assert {mail.kind for mail in await OutboxMail.all()} == {"just sent", "new"}
    assert await Job.all().count() == 2
