"""Opens the resources of a process, and closes them in reverse order, also after a failure."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from redis.asyncio import Redis

from cloudkeep.resources import clock_file
from cloudkeep.resources.clock_sync import synchronized_clock
from cloudkeep.settings.settings import Settings
from services.access.signed_urls import longest_lifetime
from services.changes.notifier import ChangeNotifier
from services.core.counters import Counters
from services.drive.deletion import Deletion
from services.drive.item_allowance import ItemAllowance
from services.maintenance.retention import Retention
from services.uploads.init.new_upload import UploadPolicy
from services.uploads.progress.progress import Progress
from services.uploads.uploads import Uploads
from storage import tracing
from storage.blobs import BlobStore, S3Options, SlotLocks, open_blob_store
from storage.database.connection import close_database, open_database
from storage.database.engine import PoolSize
from storage.deletion.versions import VersionLimits
from storage.jobs.job_notifications import JobNotifications
from storage.jobs.worker_heartbeat import WorkerHeartbeats
from storage.progress_stream import RedisEventLog
from storage.redis.client import close_redis, connect_redis
from storage.uploads.slot_leases import SlotLeases


@dataclass(frozen=True)
class Resources:
    """The open resources that both API processes and workers use."""

    store: BlobStore
    log: RedisEventLog
    progress: Progress
    uploads: Uploads
    allowance: ItemAllowance
    notifications: JobNotifications
    heartbeats: WorkerHeartbeats
    redis: Redis


@asynccontextmanager
async def connected_database(settings: Settings) -> AsyncIterator[None]:
    """Connect this process to the database for the block, and use its clock."""
    await open_database(settings.database_url, PoolSize(*settings.database_pool))
    try:
        async with synchronized_clock(settings.data_dir / clock_file.NAME):
            yield
    finally:
        await close_database()


@asynccontextmanager
async def open_resources(
    settings: Settings, counters: Counters, role: str, listener: str | None = None, scratch: Path | None = None
) -> AsyncIterator[Resources]:
    """Open the tracer, if there is one, then Redis, the blob store and the broker.

    ``settings.redis_url`` must be set. ``role`` of this process: ``api`` or ``worker``. ``listener``: the name under
    which a worker receives job notifications. ``scratch``: a folder for temporary files of this process.
    """
    redis_url = require_redis_url(settings)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(_traced(settings.traces_url, role))
        redis = connect_redis(redis_url, settings.budget_timeout)
        stack.push_async_callback(close_redis, redis)
        store = await open_store(settings, SlotLeases(redis), scratch)
        stack.push_async_callback(store.close)
        notifications = JobNotifications(settings.broker_url or redis_url, listener, settings.budget_timeout)
        stack.push_async_callback(notifications.close)
        await notifications.start()
        log = RedisEventLog(redis)
        progress = Progress(log, counters)
        allowance = ItemAllowance(settings.items)
        uploads = Uploads(store, progress, notifications, upload_policy(settings), counters, allowance)
        heartbeats = WorkerHeartbeats(redis)
        stack.enter_context(ChangeNotifier(log).following_commits())
        yield Resources(store, log, progress, uploads, allowance, notifications, heartbeats, redis)


@asynccontextmanager
async def _traced(url: str | None, role: str) -> AsyncIterator[None]:
    if url is None:
        yield
        return
    from cloudkeep.telemetry.traces import Traces  # takes a sixth of a second, so it is imported only if needed

    traces = Traces(url, role)
    tracing.install(traces)
    try:
        yield
    finally:
        tracing.install(None)
        await traces.close()


async def open_store(settings: Settings, slot_locks: SlotLocks | None = None, scratch: Path | None = None) -> BlobStore:
    """Open the blob store. ``slot_locks``: shared locks, for a store that has none of its own."""
    options = S3Options(
        settings.s3_access_key, settings.s3_secret_key, settings.s3_public_endpoint, scratch, slot_locks
    )
    return await open_blob_store(settings.blob_url, settings.storage_reserve, options)


@asynccontextmanager
async def opened_store(settings: Settings) -> AsyncIterator[BlobStore]:
    """The blob store of the settings, open for the block."""
    store = await open_store(settings)
    try:
        yield store
    finally:
        await store.close()


def upload_policy(settings: Settings) -> UploadPolicy:
    """The limits of uploads."""
    return UploadPolicy(
        settings.max_file_size,
        upload_lifetime(settings),
        quota=settings.quota,
        direct=settings.direct_uploads,
        first_chunk_lifetime=timedelta(seconds=settings.first_chunk_ttl),
        open_uploads=settings.open_uploads,
        reservation_percent=settings.reservation_share,
    )


def upload_lifetime(settings: Settings) -> timedelta:
    """The time that an upload waits for its next chunk before it expires."""
    return timedelta(seconds=settings.upload_ttl)


def blob_grace(settings: Settings) -> timedelta:
    """How long the bytes of deleted files are kept: also for as long as a signed URL of them may be valid."""
    return max(timedelta(seconds=settings.blob_grace), longest_lifetime(timedelta(seconds=settings.url_ttl)))


def retention(settings: Settings, notifications: JobNotifications, counters: Counters) -> Retention:
    """The time limits of the trash and of versions."""
    trash_ttl, version_ttl = (_lifetime(seconds) for seconds in (settings.trash_ttl, settings.version_ttl))
    return Retention(Deletion(notifications, counters), trash_ttl, VersionLimits(settings.versions, version_ttl))


def _lifetime(seconds: int | None) -> timedelta | None:
    return None if seconds is None else timedelta(seconds=seconds)


def require_redis_url(settings: Settings) -> str:
    """The URL of Redis. ``cloudkeep serve`` sets it for its children. Raises :class:`ValueError` if it is not set."""
    if settings.redis_url is None:
        raise ValueError("CLOUDKEEP_REDIS_URL: must be set, unless 'cloudkeep serve' starts a Valkey of its own")
    return settings.redis_url
