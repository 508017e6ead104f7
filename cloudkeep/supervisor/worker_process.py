"""A worker process."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial

from cloudkeep.resources.resources import connected_database, open_resources, upload_lifetime
from cloudkeep.server.heartbeat import beat
from cloudkeep.settings.settings import Settings
from cloudkeep.supervisor.worker_http import answering
from cloudkeep.supervisor.worker_identity import WorkerName, named
from cloudkeep.telemetry.metric_catalogue import samples_of_events, samples_of_process, samples_of_work
from cloudkeep.telemetry.metrics import Metrics
from services.core.counters import Counters
from storage.jobs import jobs
from storage.jobs.models import JobKind
from storage.progress_stream import RedisEventLog
from storage.uploads.models import UploadStatus
from workers.job_context import JobContext
from workers.loop import Lane, LeasePolicy, Worker
from workers.media.compress import compress
from workers.media.tools import find_tools
from workers.uploads.follower import Follower
from workers.uploads.reassemble import reassemble
from workers.worker_membership import WorkerMembership

#: Reassembly waits for the disk, so two at once pay; ffmpeg keeps every processor busy by itself.
REASSEMBLIES = 2
COMPRESSIONS = 1
FOLDER_BEAT_SECONDS = 3.0


async def run_worker(settings: Settings, heartbeat: int | None = None) -> None:
    """Work until cancelled; then what is being done is given back for the next worker. ``heartbeat`` is a pipe."""
    async with connected_database(settings):
        await work(settings, heartbeat)


async def work(settings: Settings, heartbeat: int | None = None) -> None:
    """The same, in a process that is connected to the database already."""
    with named(settings.data_dir, settings.worker_name) as name:
        await _work_as(name, settings, heartbeat)


async def _work_as(name: WorkerName, settings: Settings, heartbeat: int | None) -> None:
    tools = await asyncio.to_thread(find_tools)
    roster, counts = WorkerMembership(name.text), Counters()
    async with (
        open_resources(settings, counts, "worker", name.text, name.scratch) as base,
        worker_metrics(counts, base.log) as metrics,
    ):
        crew = JobContext(
            store=base.store,
            progress=base.progress,
            hints=base.hints,
            tools=tools,
            scratch=name.scratch,
            follower=Follower(base.store, base.progress, roster),
            upload_lifetime=upload_lifetime(settings),
            encode_stall_timeout=settings.encode_stall_timeout,
            reserve=settings.storage_reserve,
            counts=counts,
        )
        # What nobody can verify beforehand anybody may reassemble.
        choose = roster.in_turn if base.store.reads_staging else jobs.oldest_first
        lanes = {
            JobKind.REASSEMBLE: Lane(partial(reassemble, crew=crew), REASSEMBLIES, UploadStatus.FAILED, choose),
            JobKind.COMPRESS: Lane(partial(compress, crew=crew), COMPRESSIONS, UploadStatus.READY),
        }
        terms = LeasePolicy(name.text, timedelta(seconds=settings.job_lease), settings.job_attempts)
        worker = Worker(
            terms, lanes, base.store, base.progress, base.uploads, base.hints, base.presence, roster, counts
        )
        await base.log.start()
        try:
            async with answering(settings, metrics), asyncio.TaskGroup() as group:
                group.create_task(crew.follower.run(worker.wake))
                group.create_task(worker.run())
                group.create_task(_live(name, worker, heartbeat))
        finally:
            await base.log.close()


async def _live(name: WorkerName, worker: Worker, heartbeat: int | None) -> None:
    """Show signs of life to whoever looks, from the moment at which the others know of this worker."""
    await worker.begun.wait()
    async with asyncio.TaskGroup() as group:
        group.create_task(_beat_in_folder(name))
        if heartbeat is not None:
            group.create_task(beat(heartbeat))


async def _beat_in_folder(name: WorkerName) -> None:
    while True:
        name.beat()
        await asyncio.sleep(FOLDER_BEAT_SECONDS)


@asynccontextmanager
async def worker_metrics(counts: Counters, log: RedisEventLog) -> AsyncIterator[Metrics]:
    """What a worker tells; ``exposition`` renders it, together with that of all processes that share its folder."""
    metrics = Metrics(
        lambda: samples_of_work(counts),
        lambda: samples_of_events(log, "worker"),
        lambda: samples_of_process("worker"),
    )
    async with metrics.running():
        yield metrics
