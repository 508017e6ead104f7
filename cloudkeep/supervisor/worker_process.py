"""A worker process."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from cloudkeep.resources.mail import load_mail_templates, mail_composer
from cloudkeep.resources.resources import (
    Resources,
    blob_grace,
    connected_database,
    open_resources,
    retention,
    upload_lifetime,
)
from cloudkeep.settings.settings import Settings
from cloudkeep.supervisor.process import send_heartbeats, sending_start_beats
from cloudkeep.supervisor.worker_http import serve_worker_http
from cloudkeep.supervisor.worker_identity import WorkerName, claim_worker_name
from cloudkeep.telemetry.metric_catalogue import samples_of_events, samples_of_process, samples_of_work
from cloudkeep.telemetry.metrics import Metrics
from services.core.counters import Counters
from services.maintenance.collector import Collector
from services.maintenance.sweeper import Sweeper
from storage.mail import open_mailer
from storage.progress_stream import RedisEventLog
from workers.job_context import JobContext
from workers.lease import LeasePolicy
from workers.loop import Worker
from workers.mail.outgoing import OutgoingMails
from workers.maintenance.checksum_backfill import ChecksumBackfill
from workers.maintenance.housekeeping import Housekeeping
from workers.maintenance.old_changes import OldChanges
from workers.media.tools import Toolbox, find_tools
from workers.registry import JOB_TYPES
from workers.uploads.follower import Follower
from workers.worker_membership import WorkerMembership

#: Between two heartbeats in the data folder.
FOLDER_BEAT_SECONDS = 3.0


async def run_worker(settings: Settings, heartbeat: int | None = None) -> None:
    """Run jobs until cancelled, then release them for the next worker. ``heartbeat`` is a pipe to the supervisor."""
    async with connected_database(settings):
        await work(settings, heartbeat)


async def work(settings: Settings, heartbeat: int | None = None) -> None:
    """Run jobs in a process that is already connected to the database."""
    with claim_worker_name(settings.data_dir, settings.worker_name) as name:
        await _work_as(name, settings, heartbeat)


async def _work_as(name: WorkerName, settings: Settings, heartbeat: int | None) -> None:
    tools, counters = await asyncio.to_thread(find_tools), Counters()
    composer = mail_composer(settings, load_mail_templates(settings))
    async with (
        open_resources(settings, counters, "worker", name.text, name.scratch) as base,
        worker_metrics(counters, base.log) as metrics,
    ):
        mails = OutgoingMails(open_mailer(settings.mail_url), composer, settings.secret_keys)
        context = _job_context(settings, base, tools, name, counters, mails)
        policy = LeasePolicy(name.text, timedelta(seconds=settings.job_lease), settings.job_attempts)
        housekeeping = Housekeeping(
            Sweeper(base.store, base.uploads),
            Collector(base.store, blob_grace(settings), counters),
            retention(settings, base.notifications, counters),
            context.membership,
        )
        old_changes = OldChanges(timedelta(seconds=settings.changes_ttl), context.membership, counters)
        backfill = ChecksumBackfill(base.store, context.membership, counters)
        tasks = [*housekeeping.tasks(), *old_changes.tasks(), *backfill.tasks()]
        worker = Worker(policy, JOB_TYPES, context, base.heartbeats, tasks)
        await base.log.start()
        try:
            async with serve_worker_http(settings, metrics), asyncio.TaskGroup() as group:
                group.create_task(context.follower.run(worker.wake))
                group.create_task(worker.run())
                group.create_task(_send_heartbeats(name, worker, heartbeat))
        finally:
            await base.log.close()
            await mails.mailer.close()


def _job_context(
    settings: Settings, base: Resources, tools: Toolbox, name: WorkerName, counters: Counters, mails: OutgoingMails
) -> JobContext:
    membership = WorkerMembership(name.text)
    return JobContext(
        store=base.store,
        progress=base.progress,
        notifications=base.notifications,
        membership=membership,
        follower=Follower(base.store, base.progress, membership),
        tools=tools,
        scratch=name.scratch,
        upload_lifetime=upload_lifetime(settings),
        encode_stall_timeout=settings.encode_stall_timeout,
        mails=mails,
        reserve=settings.storage_reserve,
        counters=counters,
    )


async def _send_heartbeats(name: WorkerName, worker: Worker, heartbeat: int | None) -> None:
    """Send heartbeats to the data folder and the supervisor, as soon as the other workers know of this one.

    Until then it waits for the database, perhaps for as long as a disk is full, and says that it is starting.
    """
    async with sending_start_beats(heartbeat):
        await worker.announced.wait()
    async with asyncio.TaskGroup() as group:
        group.create_task(_beat_in_folder(name))
        if heartbeat is not None:
            group.create_task(send_heartbeats(heartbeat))


async def _beat_in_folder(name: WorkerName) -> None:
    while True:
        name.beat()
        await asyncio.sleep(FOLDER_BEAT_SECONDS)


@asynccontextmanager
async def worker_metrics(counters: Counters, log: RedisEventLog) -> AsyncIterator[Metrics]:
    """A worker's metrics; ``exposition`` renders them with those of all processes that share its folder."""
    metrics = Metrics(
        lambda: samples_of_work(counters),
        lambda: samples_of_events(log, "worker"),
        lambda: samples_of_process("worker"),
    )
    async with metrics.running():
        yield metrics
