"""Workers with handlers of a test, and rows for them."""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import uvloop

from services.core.clock import now
from services.uploads.progress.progress import Progress
from storage.accounts.models import Account
from storage.blobs import LocalBlobStore
from storage.database.connection import atomically
from storage.jobs import jobs
from storage.jobs.job_notifications import JobNotifications
from storage.jobs.jobs import enqueue
from storage.jobs.models import Job, JobKind, JobState
from storage.jobs.worker_heartbeat import WorkerHeartbeats
from storage.mail import open_mailer
from storage.progress_stream import RedisEventLog
from storage.redis.client import close_redis, connect_redis
from storage.uploads.models import Upload
from storage.uploads.receipts import add
from tests.support.mail import outgoing_mails
from workers import job_runner, loop
from workers.job_context import JobContext
from workers.job_type import JobType, oldest_first
from workers.lease import LeasePolicy
from workers.loop import Worker
from workers.media.tools import find_tools
from workers.periodic import PeriodicTask
from workers.registry import JOB_TYPES
from workers.uploads.follower import Follower
from workers.worker_membership import WorkerMembership

DAY = timedelta(days=1)
CHUNK = 64 * 1024

Handler = Callable[[Job], Awaitable[None]]
Start = Callable[..., AbstractAsyncContextManager[Worker]]


@pytest.fixture(autouse=True)
def _eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """Poll and retry fast."""
    monkeypatch.setattr(loop, "POLL_SECONDS", 0.05)
    monkeypatch.setattr(job_runner, "BACKOFF_SECONDS", 0.01)


@pytest.fixture
async def context(redis_url: str, database: str, store: LocalBlobStore, tmp_path: Path) -> AsyncIterator[JobContext]:
    """The real resources of jobs."""
    redis, notifications = connect_redis(redis_url), JobNotifications(redis_url)
    await notifications.start()
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    progress, membership = Progress(RedisEventLog(redis)), WorkerMembership("one")
    yield JobContext(
        store=store,
        progress=progress,
        notifications=notifications,
        membership=membership,
        follower=Follower(store, progress, membership),
        tools=find_tools(),
        scratch=scratch,
        upload_lifetime=DAY,
        encode_stall_timeout=30.0,
        mails=outgoing_mails(open_mailer("console:")),
    )
    await notifications.close()
    await close_redis(redis)


@pytest.fixture
async def start(context: JobContext, redis_url: str) -> AsyncIterator[Start]:
    """Start workers for one kind of job, with a handler of the test; they end with the block."""
    redis = connect_redis(redis_url)

    @asynccontextmanager
    async def run(
        handler: Handler,
        kind: JobKind = JobKind.REASSEMBLE,
        *,
        name: str = "one",
        lease: float = 30.0,
        attempts: int = 3,
        periodic_tasks: Sequence[PeriodicTask] = (),
        **changes: Any,
    ) -> AsyncIterator[Worker]:
        policy = LeasePolicy(name, timedelta(seconds=lease), attempts)
        defaults: dict[str, Any] = {"concurrency": 1, "claim_order": oldest_first}
        job_type = replace(type_of(kind), handler=lambda job, _: handler(job), **defaults | changes)
        worker_context = replace(context, membership=WorkerMembership(name))
        worker = Worker(policy, [job_type], worker_context, WorkerHeartbeats(redis), periodic_tasks)
        task = asyncio.create_task(worker.run())
        try:
            yield worker
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    yield run
    await close_redis(redis)


def type_of(kind: JobKind) -> JobType:
    """The definition of a kind of job."""
    (job_type,) = [job_type for job_type in JOB_TYPES if job_type.kind is kind]
    return job_type


async def new_upload(content: bytes = b"content", **more: Any) -> Upload:
    """An upload of this content without chunks, with a new owner."""
    name = f"user-{secrets.token_hex(6)}"
    account = await Account.create(user_id=name, name=name, email=f"{name}@example.org", password_hash="-")
    given: dict[str, Any] = {
        "file_name": "file.bin",
        "mime_type": "application/octet-stream",
        "chunk_size": CHUNK,
        **more,
    }
    return await Upload.create(account=account, size=len(content), expires_at=now() + DAY, **given)


async def fill(store: LocalBlobStore, upload: Upload, content: bytes, index: int) -> int:
    """Let a chunk arrive. Returns the bytes that have arrived by then."""
    offset = upload.slot_offset(index)
    part = content[offset : offset + upload.slot_size(index)]
    async with store.slot(str(upload.id), offset, len(part)) as writer:
        await writer.write([part])
        digests = await writer.finish()
    return (await add(upload, index, digests, now(), now() + DAY)).received.bytes


async def full_upload(store: LocalBlobStore, content: bytes, **more: Any) -> Upload:
    """An upload whose chunks have all arrived, so that its reassembly is queued."""
    upload = await new_upload(content, **more)
    await store.stage(str(upload.id), upload.size)
    for index in range(upload.chunk_count):
        await fill(store, upload, content, index)
    return await Upload.get(id=upload.id)


async def queue(kind: JobKind, upload: Upload) -> None:
    """Queue a job on the upload."""
    await atomically(lambda: enqueue(kind, upload.id, now()))


async def ended(upload: Upload, kind: JobKind = JobKind.REASSEMBLE) -> Job | None:
    """The job on the upload, once it has ended."""
    job = await jobs.find(kind, upload.id)
    return job if job and job.state in {JobState.DONE, JobState.FAILED} else None


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Run these tests on the event loop of a worker."""
    return {"uvloop": uvloop.new_event_loop}
