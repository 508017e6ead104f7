"""``cloudkeep doctor`` and ``cloudkeep scrub``: check the stored files. The server may be running or not.

The exit code is 0 without problems, 1 with some.
"""

import asyncio
import sys
import time
from contextlib import aclosing
from datetime import timedelta
from pathlib import Path

from cloudkeep.resources.resources import connected_database, opened_store
from cloudkeep.settings.settings import Settings
from services.maintenance.doctor import Doctor
from services.maintenance.findings import Finding
from services.maintenance.scrub import Scrubber
from services.maintenance.scrub_position import Position, forget, load, save

MIB = 1024 * 1024
DAY = 24 * 60 * 60
#: A bucket aborts an upload by its age, even while parts arrive. So its rule allows so many days more than the pause
#: between two chunks.
SPARE_DAYS = 30
#: A scrub that was killed repeats what it verified in this time.
SAVE_SECONDS = 1.0


async def examine(settings: Settings, *, mend: bool) -> int:
    """Print one line per problem, and how many there were. Returns the exit code."""
    findings = fixed = 0
    days = settings.upload_ttl // DAY + SPARE_DAYS
    origins = (settings.public_url, *settings.cors_origins) if settings.direct_uploads else ()
    async with connected_database(settings), opened_store(settings) as store:
        ttl = timedelta(seconds=settings.quarantine_ttl)
        doctor = Doctor(store, mend=mend, upload_days=days, origins=origins, quarantine_ttl=ttl)
        async with aclosing(doctor.examine()) as results:
            async for finding in results:
                findings += 1
                fixed += finding.mended is not None
                _print(_line(finding))
    _print(f"{findings} found, {fixed} repaired." if findings else "All is well.")
    return 1 if findings else 0


async def scrub(settings: Settings, *, rate: int, from_start: bool) -> int:
    """Read all blobs, at most ``rate`` bytes per second. Print one line per damaged blob, and how much was read.

    Resumes an interrupted run; the totals at the end are those of the whole pass.
    """
    path = settings.data_dir / "scrub.json"
    position = Position() if from_start else load(path)
    if position.last:
        _print(f"Resuming after {_totals(position)}")
    async with connected_database(settings), opened_store(settings) as store:
        try:
            await _scrub(Scrubber(store, rate), position, path)
        except asyncio.CancelledError:
            save(path, position)
            _print(f"Interrupted after {_totals(position)}")
            raise
    forget(path)
    _print(_totals(position))
    return 1 if position.damaged else 0


async def _scrub(scrubber: Scrubber, position: Position, path: Path) -> None:
    saved_at = time.monotonic()
    async with aclosing(scrubber.scrub(position.last)) as verdicts:
        async for verdict in verdicts:
            position.take(verdict)
            if verdict.damage:
                _print(f"{verdict.damage} {verdict.key}: {verdict.text}")
            if time.monotonic() - saved_at >= SAVE_SECONDS:
                save(path, position)
                saved_at = time.monotonic()


def _totals(position: Position) -> str:
    return f"{position.blobs} blobs, {position.size / MIB:.1f} MiB read, {position.damaged} damaged."


def _line(finding: Finding) -> str:
    end = f" -> {finding.mended}" if finding.mended else ""
    return f"{finding.code} {finding.subject}: {finding.text}{end}"


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
