"""What ``cloudkeep doctor`` and ``cloudkeep scrub`` do: run beside the server or without it, and print what they find.

Both leave 0 when all is well, 1 when something was found.
"""

import sys
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

from cloudkeep.resources import connected_database
from cloudkeep.settings import Settings
from services.doctor import Doctor, Finding
from services.scrub import Scrubber
from storage.blobs import BlobStore, open_blob_store

MIB = 1024 * 1024


async def examine(settings: Settings, *, mend: bool) -> int:
    """Print one line per finding, and how many there were."""
    found = mended = 0
    async with _store(settings) as store, aclosing(Doctor(store, mend=mend).examine()) as findings:
        async for finding in findings:
            found += 1
            mended += finding.mended is not None
            _say(_line(finding))
    _say(_summary(found, mended))
    return 1 if found else 0


async def scrub(settings: Settings, *, rate: float) -> int:
    """Print one line per damaged blob, and how much was read, at ``rate`` MiB per second at most."""
    blobs = read = damaged = 0
    async with _store(settings) as store, aclosing(Scrubber(store, rate * MIB).scrub()) as verdicts:
        async for verdict in verdicts:
            blobs += 1
            read += verdict.size
            if verdict.damage:
                damaged += 1
                _say(f"{verdict.damage} {verdict.key}: {verdict.text}")
    _say(f"{blobs} blobs, {read / MIB:.1f} MiB read, {damaged} damaged.")
    return 1 if damaged else 0


@asynccontextmanager
async def _store(settings: Settings) -> AsyncIterator[BlobStore]:
    async with connected_database(settings):
        store = open_blob_store(settings.blob_url)
        try:
            yield store
        finally:
            await store.close()


def _line(finding: Finding) -> str:
    end = f" -> {finding.mended}" if finding.mended else ""
    return f"{finding.code} {finding.subject}: {finding.text}{end}"


def _summary(found: int, mended: int) -> str:
    if not found:
        return "All is well."
    return f"{found} found, {mended} mended."


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
