"""Processes that change a drive are killed at any moment, and the drive stays whole."""

import asyncio
import os
import random
import secrets
import sys
from pathlib import Path

from services.maintenance.doctor import Doctor
from services.maintenance.findings import Code
from storage.blobs import LocalBlobStore
from tests.services.conftest import make_account
from tests.services.drive.model import invariants
from tests.services.drive.model.drive import Drive
from tests.storage.rows import ROOT

KILLS = int(os.environ.get("DRIVE_KILLS", "2"))
SEED = int(os.environ.get("FAULT_SEED", str(secrets.randbits(32))))
ACTORS = 2
#: The longest life of a process, in seconds.
LONGEST = 2.0
#: Seconds after which a process counts as stuck that has not begun.
LONGEST_START = 120.0


async def test_a_drive_stays_whole_when_the_processes_that_change_it_are_killed(
    drive: Drive, database: str, store: LocalBlobStore, redis_url: str, tmp_path: Path
) -> None:
    print(f"\nFAULT_SEED={SEED} DRIVE_KILLS={KILLS}")  # noqa: T201 - a run can be repeated
    chosen = random.Random(SEED)
    drive = drive.of(await make_account("killed"))
    await drive.items.root(drive.account_id)
    given = (database, str(tmp_path / "blobs"), redis_url, str(drive.account_id))
    for _ in range(0, KILLS, ACTORS):
        await asyncio.gather(*(run_and_kill(*given, str(chosen.getrandbits(32))) for _ in range(ACTORS)))
        await invariants.check(drive)
    # A process that was killed between the row and the record of an upload leaves a record to be written.
    await invariants.check_end(drive, tolerated=[Code.RECORD_MISSING])
    assert [finding.code async for finding in Doctor(store, mend=True).examine() if not finding.mended] == []
    await invariants.check_health(drive)


async def run_and_kill(*arguments: str) -> None:
    """Run an actor for a moment, and kill it."""
    program = (sys.executable, "-m", "tests.services.drive.model.actor")
    process = await asyncio.create_subprocess_exec(*program, *arguments, cwd=ROOT, stdout=asyncio.subprocess.PIPE)
    try:
        assert process.stdout
        async with asyncio.timeout(LONGEST_START):
            assert await process.stdout.readline() == b"ready\n"
        await asyncio.sleep(random.Random(arguments[-1]).uniform(0, LONGEST))
        assert process.returncode is None, "it has failed"
    finally:
        process.kill()
        await process.wait()
