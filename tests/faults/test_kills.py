"""Uploads survive kills: whatever is killed at any moment, the file arrives intact and once, and nothing is left.

``make test`` kills a few times, ``make faults`` two hundred times. The seed is printed, so that a run can be repeated.
"""

import asyncio
import os
import secrets
import time
from pathlib import Path

from storage.drive.models import Blob, FileVersion
from tests.e2e.conftest import sign_up
from tests.faults.arming import Arming
from tests.faults.journeys import Stage
from tests.faults.proofs import nothing_is_left
from tests.support.backends.databases import Databases
from tests.support.faults.kills import Killer, parts_of
from tests.support.process import serving
from tests.support.server import http_client
from tests.support.uploads import Sent, assert_whole, begin, padded_clip, to_the_end

KILLS = int(os.environ.get("FAULT_KILLS", "8"))
SEED = int(os.environ.get("FAULT_SEED", str(secrets.randbits(32))))
#: Files under way at once, four chunks of each; the first one is compressed.
AT_ONCE = 3
CHUNK = 128 * 1024
PADDING = 2 * 1024 * 1024
#: One job may be killed more often here than elsewhere in years; what is lost is taken up soon.
SETTINGS = {"CLOUDKEEP_JOB_ATTEMPTS": "64", "CLOUDKEEP_JOB_LEASE": "10", "CLOUDKEEP_ACCESS_TOKEN_TTL": "86400"}


async def kill_through(stage: Stage, killer: Killer) -> int:
    """Send three files at a time until enough was killed. Returns how many arrived."""
    arrived = 0
    while killer.left:
        names = range(arrived, arrived + AT_ONCE)
        files = [Sent(padded_clip(PADDING), f"{name}.mp4", name == arrived, CHUNK) for name in names]
        async with killer.at_work():
            uploads = await asyncio.gather(*(send(stage, file) for file in files))
        for sent, upload_id in zip(files, uploads, strict=True):
            upload = await to_the_end(stage.person, sent)
            assert upload["id"] == upload_id
            await assert_whole(stage.person, upload, sent.content, sent.compress)
        arrived += AT_ONCE
    return arrived


async def send(stage: Stage, sent: Sent) -> str:
    """Send a file through all the kills. Returns its upload's ID."""
    await begin(stage.person, sent)
    await to_the_end(stage.person, sent)
    return sent.upload_id


async def test_every_upload_arrives_whole_and_once_through_kills_at_random_moments(
    tmp_path: Path, databases: Databases, empty_database: str
) -> None:
    print(f"\nFAULT_SEED={SEED} FAULT_KILLS={KILLS}")
    arming, began = Arming(tmp_path / "faults", databases.postmaster), time.monotonic()
    given = {**SETTINGS, **arming.environment, "CLOUDKEEP_DATABASE_URL": empty_database}
    with serving(tmp_path / "data", None, **given) as process:
        async with http_client(process.url) as http:
            stage = Stage(process, await sign_up(http, process), tmp_path / "data", empty_database, "random")
            killer = Killer(process.url, parts_of(process, databases.postmaster), SEED, KILLS)
            arrived = await kill_through(stage, killer)
            await nothing_is_left(stage)
            async with stage.database():
                assert await FileVersion.all().count() == arrived
                assert await Blob.all().count() == arrived + arrived // AT_ONCE
    print(f"killed {dict(killer.kills)}, {arrived} uploads arrived whole, {time.monotonic() - began:.0f} s")
