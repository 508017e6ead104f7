"""The real backends of the services, for one test."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import pytest

from services.budgets.budgets import Budgets, Limits
from services.drive.downloads import Downloads
from services.drive.items import Items
from services.uploads.ingest import Ingest
from services.uploads.init.new_upload import UploadPolicy
from services.uploads.progress.progress import Progress
from services.uploads.types import NewUpload
from services.uploads.uploads import Uploads
from storage.accounts.models import Account
from storage.blobs import LocalBlobStore
from storage.jobs.job_notifications import JobNotifications
from storage.progress_stream import RedisEventLog
from storage.redis.client import close_redis, connect_redis
from storage.token_buckets import LocalBuckets

#: The address of senders of chunks.
SENDER = "192.0.2.1"
LIFETIME = timedelta(hours=1)
MAX_FILE_SIZE = 2**50


@dataclass(frozen=True)
class Bench:
    """The services around uploads, and the blob store below them."""

    store: LocalBlobStore
    progress: Progress
    notifications: JobNotifications
    budgets: Budgets
    uploads: Uploads
    ingest: Ingest
    items: Items
    downloads: Downloads


@pytest.fixture
async def bench(database: str, store: LocalBlobStore, redis_url: str) -> AsyncIterator[Bench]:
    """Services with a database and a blob store for one test, and an empty Redis."""
    redis = connect_redis(redis_url)
    notifications = JobNotifications(redis_url)
    await notifications.start()
    progress = Progress(RedisEventLog(redis))
    budgets = Budgets(Limits(), LocalBuckets(), LocalBuckets())
    uploads = Uploads(store, progress, notifications, UploadPolicy(MAX_FILE_SIZE, LIFETIME))
    ingest = Ingest(store, progress, notifications, budgets, LIFETIME)
    yield Bench(store, progress, notifications, budgets, uploads, ingest, Items(), Downloads(store))
    await notifications.close()
    await close_redis(redis)


async def make_account(name: str) -> UUID:
    """The key of a new account."""
    row = await Account.create(user_id=name, name=name, email=f"{name}@example.org", password_hash="-")
    return row.id


@pytest.fixture
async def ada(database: str) -> UUID:
    """An account."""
    return await make_account("ada")


@pytest.fixture
async def bob(database: str) -> UUID:
    """Another user's account."""
    return await make_account("bob")


def a_file(size: int = 200_000, chunk_size: int | None = 65_536) -> NewUpload:
    """A client's description of a file."""
    return NewUpload(file_name="file.bin", size=size, chunk_size=chunk_size)
