"""The drive of an account, by the services that serve it, with workers that run when a command says so."""

import hashlib
import io
import zipfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from services.budgets.budgets import Budgets, Limits
from services.core.clock import now
from services.core.errors import NotFound
from services.drive.deletion import Deletion, EmptiedTrash
from services.drive.downloads import Downloads
from services.drive.file_versions import FileVersions
from services.drive.item_changes import ItemChanges
from services.drive.items import Items
from services.drive.search import Search
from services.drive.zips.zips import ZipPolicy, Zips
from services.maintenance.collector import Collector
from services.maintenance.retention import Retention
from services.media.types import Compression, CompressionPreset
from services.uploads.ingest import Ingest, slot_authorization
from services.uploads.init.new_upload import UploadPolicy
from services.uploads.progress.progress import Progress
from services.uploads.types import NewUpload
from services.uploads.uploads import Uploads
from storage.blobs import LocalBlobStore
from storage.deletion.versions import VersionLimits
from storage.drive import versions as rows
from storage.drive.models import Item
from storage.jobs import jobs
from storage.jobs.job_notifications import JobNotifications
from storage.jobs.models import Job, JobKind
from storage.mail import open_mailer
from storage.progress_stream import RedisEventLog
from storage.redis.client import close_redis, connect_redis
from storage.token_buckets import LocalBuckets
from storage.uploads.models import Upload, UploadStatus
from tests.services.drive.model.commands import CONTENTS, Command
from tests.support.mail import outgoing_mails
from workers.job_context import JobContext
from workers.job_runner import JobRunner
from workers.lease import LeasePolicy
from workers.media.tools import find_tools
from workers.registry import JOB_TYPES
from workers.uploads.follower import Follower
from workers.worker_membership import WorkerMembership

#: The time of released bytes in the store.
GRACE = timedelta(days=1)
VERSIONS_KEPT = 2
LEASE = timedelta(seconds=5)
KINDS = (JobKind.REASSEMBLE, JobKind.COMPRESS, JobKind.DELETE_ITEMS)


@dataclass(frozen=True, repr=False)
class Drive:
    """The services, for one account. The methods are named like the commands."""

    account_id: UUID
    store: LocalBlobStore
    uploads: Uploads
    ingest: Ingest
    notifications: JobNotifications
    context: JobContext
    changes: ItemChanges = field(default_factory=ItemChanges)
    versions: FileVersions = field(default_factory=FileVersions)
    items: Items = field(default_factory=Items)

    def of(self, account_id: UUID) -> "Drive":
        """The drive of another account."""
        return replace(self, account_id=account_id)

    async def create_folder(self, command: Command, items: Sequence[UUID], folder: UUID) -> Item:
        return await self.changes.create_folder(self.account_id, folder, command.name, command.policy)

    async def rename(self, command: Command, items: Sequence[UUID], folder: UUID) -> Item:
        return await self.changes.rename(await self.item(items[0]), command.name, command.policy)

    async def move(self, command: Command, items: Sequence[UUID], folder: UUID) -> list[Item]:
        return await self.changes.move(self.account_id, items, folder, command.policy)

    async def copy(self, command: Command, items: Sequence[UUID], folder: UUID) -> list[Item]:
        return await self.changes.copy(self.account_id, items, folder, command.policy)

    async def star(self, command: Command, items: Sequence[UUID], folder: UUID) -> Item:
        return await self.changes.star(await self.item(items[0]), starred=command.flag)

    async def trash(self, command: Command, items: Sequence[UUID], folder: UUID) -> list[Item]:
        return await self.changes.trash(self.account_id, items)

    async def restore(self, command: Command, items: Sequence[UUID], folder: UUID) -> list[Item]:
        return await self.changes.restore(self.account_id, items)

    async def delete(self, command: Command, items: Sequence[UUID], folder: UUID) -> int:
        return await self.deletion.delete_items(self.account_id, items)

    async def empty_trash(self, command: Command, items: Sequence[UUID], folder: UUID) -> EmptiedTrash:
        return await self.deletion.empty_trash(self.account_id)

    async def upload(self, command: Command, items: Sequence[UUID], folder: UUID) -> Upload:
        """Start an upload and send its bytes, unless the account has them. With the flag, say what they are."""
        content = CONTENTS[command.content]
        digest = hashlib.sha256(content).hexdigest()
        request = NewUpload(
            file_name=command.name,
            size=len(content),
            sha256=digest if command.flag else None,
            chunk_hashes=[digest] if command.number % 2 and content else None,
            compress=Compression(CompressionPreset.FAST) if command.compress and content else None,
            parent_id=folder,
            relative_path="/".join(command.path) or None,
            conflict=command.policy,
        )
        upload = await self.uploads.init(self.account_id, request)
        if upload.status is UploadStatus.RECEIVING:
            async with self.ingest.open(slot_authorization(upload, 0), "192.0.2.1") as sink:
                await sink.write([content])
                await sink.commit(digest)
        return upload

    async def work(self, command: Command, items: Sequence[UUID], folder: UUID) -> Job | None:
        """Let a worker run the next job. Returns it."""
        job = await jobs.claim(KINDS, "worker", LEASE, now())
        if job:
            (job_type,) = [each for each in JOB_TYPES if each.kind is job.kind]
            await JobRunner(LeasePolicy("worker", LEASE, 50), self.context).run(job, job_type)
        return job

    async def restore_version(self, command: Command, items: Sequence[UUID], folder: UUID) -> Item:
        """``folder`` is the version."""
        return await self.versions.restore(await self.item(items[0]), folder)

    async def delete_version(self, command: Command, items: Sequence[UUID], folder: UUID) -> Item:
        """``folder`` is the version."""
        version = await rows.find(folder)
        if not version:
            raise NotFound("There is no such version.")
        return await self.versions.delete(version)

    async def limit_versions(self, command: Command, items: Sequence[UUID], folder: UUID) -> None:
        await Retention(self.deletion, version_limits=VersionLimits(count=VERSIONS_KEPT)).apply()

    async def collect(self, command: Command, items: Sequence[UUID], folder: UUID) -> int:
        return await Collector(self.store, timedelta(0) if command.flag else GRACE).collect()

    async def search(self, command: Command, items: Sequence[UUID], folder: UUID) -> set[UUID]:
        """All hits, two at a time."""
        found: set[UUID] = set()
        before: int | None = None
        while True:
            page = await Search().page(self.account_id, command.name, first=2, before=before)
            found |= {hit.item.id for hit in page.hits}
            if (before := page.searched_to) is None:
                return found

    async def zip(self, command: Command, items: Sequence[UUID], folder: UUID) -> list[bytes]:
        """The contents of the files in a zip file of these items."""
        zips = Zips(self.store, self.notifications, ZipPolicy())
        reader = await zips.reader(await zips.create(self.account_id, items, None, now() + timedelta(hours=1)))
        data = b"".join([block async for block in reader.read(0, reader.size, lambda: 65_536)])
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return sorted(archive.read(name) for name in archive.namelist() if not name.endswith("/"))

    async def item(self, item_id: UUID) -> Item:
        """The item, as a resolver loads it."""
        found = await self.items.find(item_id)
        if not found:
            raise NotFound("There is no such item.")
        return found

    async def read(self, version_id: UUID) -> bytes:
        """The bytes of a version, as a download has them."""
        downloads = Downloads(self.store)
        content = await downloads.version(version_id)
        return b"".join([block async for block in downloads.read(content, 0, content.size)])

    @property
    def deletion(self) -> Deletion:
        """The service that deletes items."""
        return Deletion(self.notifications)


@asynccontextmanager
async def open_drive(account_id: UUID, store: LocalBlobStore, redis_url: str, scratch: Path) -> AsyncIterator[Drive]:
    """The services of a process, on the database that it is connected to."""
    redis, notifications = connect_redis(redis_url), JobNotifications(redis_url)
    await notifications.start()
    progress, membership = Progress(RedisEventLog(redis)), WorkerMembership("worker")
    lifetime = timedelta(days=7)
    context = JobContext(
        store=store,
        progress=progress,
        notifications=notifications,
        membership=membership,
        follower=Follower(store, progress, membership),
        tools=find_tools(),
        scratch=scratch,
        upload_lifetime=lifetime,
        encode_stall_timeout=30.0,
        mails=outgoing_mails(open_mailer("console:")),
    )
    uploads = Uploads(store, progress, notifications, UploadPolicy(2**40, lifetime))
    ingest = Ingest(store, progress, notifications, Budgets(Limits(), LocalBuckets(), LocalBuckets()), lifetime)
    yield Drive(account_id, store, uploads, ingest, notifications, context)
    await notifications.close()
    await close_redis(redis)
