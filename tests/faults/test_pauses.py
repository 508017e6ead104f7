"""The whole server is paused, as on a laptop that sleeps or a virtual machine that is moved, and continues.

``make faults`` pauses it ten times, each for longer than leases, senders and encodings may be silent.
"""

import asyncio
import os
import random
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import psutil
import pytest

from storage.jobs.models import Job, JobState
from tests.e2e.conftest import sign_up
from tests.faults.journeys import Stage
from tests.faults.proofs import nothing_is_left
from tests.support.process import ServeProcess, serving
from tests.support.server import Api, http_client
from tests.support.uploads import Sent, assert_whole, begin, padded_clip, to_the_end

SEED = int(os.environ.get("FAULT_SEED", str(secrets.randbits(32))))
PAUSES = 10
AT_ONCE = 3
CHUNK = 128 * 1024
PADDING = 4 * 1024 * 1024
#: All of them shorter than a pause, in seconds.
SETTINGS = {"CLOUDKEEP_JOB_LEASE": "3", "CLOUDKEEP_BODY_STALL_TIMEOUT": "4", "CLOUDKEEP_ENCODE_STALL_TIMEOUT": "4"}
SHORTEST, LONGEST = 5.0, 9.0

pytestmark = pytest.mark.skipif("FAULT_KILLS" not in os.environ, reason="takes minutes: make faults runs it")


@asynccontextmanager
async def paused(process: ServeProcess) -> AsyncIterator[None]:
    """Stop every process of the server for the block."""
    processes = [psutil.Process(process.pid), *process.descendants()]
    for each in processes:
        with suppress(psutil.NoSuchProcess):
            each.suspend()
    yield
    for each in processes:
        with suppress(psutil.NoSuchProcess):
            each.resume()


async def send(person: Api, sent: Sent) -> None:
    await begin(person, sent)
    await assert_whole(person, await to_the_end(person, sent), sent.content, sent.compress)


async def test_a_server_that_stood_still_loses_nothing_and_fails_nothing(tmp_path: Path, empty_database: str) -> None:
    print(f"\nFAULT_SEED={SEED}")
    chance = random.Random(SEED)
    with serving(tmp_path, None, CLOUDKEEP_DATABASE_URL=empty_database, **SETTINGS) as process:
        async with http_client(process.url, timeout=60) as http:
            person = await sign_up(http, process)
            for pause in range(PAUSES):
                names = [f"{pause}-{number}.mp4" for number in range(AT_ONCE)]
                async with asyncio.TaskGroup() as sending:
                    for name in names:
                        sending.create_task(send(person, Sent(padded_clip(PADDING), name, name == names[0], CHUNK)))
                    await asyncio.sleep(2 * chance.random())
                    async with paused(process):
                        await asyncio.sleep(chance.uniform(SHORTEST, LONGEST))
            stage = Stage(process, person, tmp_path, empty_database, "paused")
            await nothing_is_left(stage)
            async with stage.database():
                assert await Job.exclude(state=JobState.DONE).count() == 0
        assert "Traceback" not in process.output()
