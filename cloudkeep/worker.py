"""A worker process."""

import asyncio
import shutil
from datetime import timedelta
from functools import partial
from pathlib import Path

from cloudkeep.resources import connected_database, default_worker_name, open_resources, upload_lifetime
from cloudkeep.settings import Settings
from storage.models import JobKind, UploadStatus
from workers.compress import compress
from workers.crew import Crew
from workers.follower import Follower
from workers.loop import Lane, Terms, Worker
from workers.media.tools import find_tools
from workers.reassemble import reassemble

#: Reassembly waits for the disk, so two at once pay; ffmpeg keeps every processor busy by itself.
REASSEMBLIES = 2
COMPRESSIONS = 1


async def run_worker(settings: Settings) -> None:
    """Work until cancelled; then what is being done is given back for the next worker."""
    async with connected_database(settings):
        await work(settings)


async def work(settings: Settings) -> None:
    """The same, in a process that is connected to the database already."""
    name = settings.worker_name or default_worker_name()
    scratch = _empty_folder(settings.data_dir / "scratch" / name)
    tools = await asyncio.to_thread(find_tools)
    async with open_resources(settings) as base:
        crew = Crew(
            store=base.store,
            progress=base.progress,
            hints=base.hints,
            tools=tools,
            scratch=scratch,
            follower=Follower(base.store, base.progress),
            upload_lifetime=upload_lifetime(settings),
            encode_stall_timeout=settings.encode_stall_timeout,
            reserve=settings.storage_reserve,
        )
        lanes = {
            JobKind.REASSEMBLE: Lane(partial(reassemble, crew=crew), REASSEMBLIES, UploadStatus.FAILED),
            JobKind.COMPRESS: Lane(partial(compress, crew=crew), COMPRESSIONS, UploadStatus.READY),
        }
        terms = Terms(name, timedelta(seconds=settings.job_lease), settings.job_attempts)
        worker = Worker(terms, lanes, base.store, base.progress, base.uploads, base.hints, base.presence)
        await base.log.start()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(crew.follower.run())
                group.create_task(worker.run())
        finally:
            await base.log.close()


def _empty_folder(path: Path) -> Path:
    """What a dead worker of the same name left half done is of no use to anybody."""
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    return path
