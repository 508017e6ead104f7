"""Reassembly: verify every chunk and the whole in one pass, make the bytes durable, let the file appear.

On a local disk nothing is copied. A crash at any point leaves a job that can simply run again: publishing the bytes
twice is harmless, and the rows are written in one transaction that names the job's lease.
"""

import asyncio
import hashlib
import time
from dataclasses import dataclass

from services.clock import now
from services.errors import ChecksumMismatch
from services.media import MediaFacts
from services.progress import moving
from storage import uploads as rows
from storage.models import Chunk, Job, JobKind, Upload, UploadStatus
from workers.crew import Crew
from workers.media.probe import NotMedia, probe
from workers.reporter import Reporter


@dataclass(frozen=True)
class Verdict:
    """What one pass over the bytes found: the digest of the whole, and the slots that do not hold what was received."""

    sha256: str
    damaged: list[int]


async def reassemble(job: Job, crew: Crew) -> None:
    """Turn a full upload into a file, or reopen its damaged slots.

    Raises :class:`ChecksumMismatch` when every chunk is as received but the whole is not what the client declared, and
    :class:`storage.errors.StateChanged` when the lease was lost.
    """
    upload = await rows.find(job.subject_id)
    if not upload:
        return
    verdict = await _verify(upload, crew, Reporter(job, crew.progress))
    if verdict.damaged:
        await rows.reopen_slots(job, verdict.damaged, now() + crew.upload_lifetime)
    else:
        await _publish(job, upload, verdict.sha256, crew)
    await crew.progress.changed(upload.id)


async def _publish(job: Job, upload: Upload, sha256: str, crew: Crew) -> None:
    if upload.sha256 and upload.sha256 != sha256:
        raise ChecksumMismatch(f"The file's SHA-256 is {sha256}, not the declared one.", field="sha256")
    key = str(upload.id)
    await crew.store.publish(key)
    facts = await _facts(key, crew)
    media = facts.to_json() if facts else None
    await rows.publish(job, upload, blob_key=key, sha256=sha256, media=media, now=now())
    if upload.compress:
        await crew.hints.send(JobKind.COMPRESS)


async def _facts(key: str, crew: Crew) -> MediaFacts | None:
    async with crew.store.local_path(key) as path:
        try:
            return await probe(path, crew.tools)
        except NotMedia:
            return None


async def _verify(upload: Upload, crew: Crew, reporter: Reporter) -> Verdict:
    """Read everything once, hash each chunk and the whole."""
    receipts = {receipt.index: receipt for receipt in await rows.receipts(upload.id)}
    whole = hashlib.sha256()
    damaged: list[int] = []
    done, began = 0, time.monotonic()
    for index in range(upload.chunk_count):
        chunk = hashlib.sha256()
        async for block in crew.store.read_staged(str(upload.id), index * upload.chunk_size, upload.slot_size(index)):
            await asyncio.to_thread(_hash, block, chunk, whole)
            done += len(block)
            seconds = time.monotonic() - began
            await reporter.report(moving(upload.id, UploadStatus.REASSEMBLING, done, upload.size, seconds))
        if not _is_intact(receipts.get(index), chunk.hexdigest()):
            damaged.append(index)
    return Verdict(whole.hexdigest(), damaged)


def _hash(block: bytes, *digests: "hashlib._Hash") -> None:
    for digest in digests:
        digest.update(block)


def _is_intact(receipt: Chunk | None, sha256: str) -> bool:
    return receipt is not None and receipt.sha256 == sha256
