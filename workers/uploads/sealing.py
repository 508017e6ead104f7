"""Making one object of an upload's slots where they cannot be read before, and opening those again that are damaged."""

from collections.abc import Collection, Sequence

from services.core.clock import now
from storage.blobs import BlobStore, Part
from storage.errors import BlobNotFound, NoSpace, PartsRefused, StateChanged
from storage.jobs.models import Job
from storage.uploads import receipts
from storage.uploads import uploads as rows
from storage.uploads.models import Chunk, Upload
from workers.job_context import JobContext


async def sealed(upload: Upload, store: BlobStore) -> list[int]:
    """Seal what has come, by our own receipts; it may be sealed already, by somebody who was killed then.

    Returns the slots whose bytes are not to be had: then nothing is sealed.
    """
    if store.reads_staging:
        return []
    ledger = {receipt.index: receipt for receipt in await receipts.of(upload.id)}
    for receipt in ledger.values():
        await _copy_held(upload, receipt, store)
    missing = [index for index in range(upload.chunk_count) if index not in ledger or not ledger[index].etag]
    if missing:
        return missing
    try:
        await store.seal(upload.staging_area, _parts(upload, ledger.values()))
    except PartsRefused as error:
        return error.indexes
    except BlobNotFound:
        return list(range(upload.chunk_count))
    return []


async def reopen(job: Job, upload: Upload, damaged: Collection[int], context: JobContext) -> None:
    """Open these slots again, and those whose bytes the store does not have either.

    Raises :class:`StateChanged` when the lease was lost; then everything is as it was.
    """
    gone = set(damaged)
    kept = [receipt for receipt in await receipts.of(upload.id) if receipt.index not in gone]
    place = await context.store.reopen(upload.staging_area, _parts(upload, kept))
    gone |= {receipt.index for receipt in kept if receipt.index not in place.etags}
    moved = place.staging != upload.staging_area
    try:
        await rows.reopen_slots(job, gone, now() + context.upload_lifetime, place if moved else None)
    except (StateChanged, NoSpace):
        if moved:
            await context.store.discard(place.staging)
        raise
    if moved:
        # Nobody can publish it any more: the row that names it says otherwise now.
        await context.store.discard(upload.staging_area, sealed=True)


async def _copy_held(upload: Upload, receipt: Chunk, store: BlobStore) -> None:
    """Copy a chunk that the owner's files have, unless it was copied before."""
    if receipt.etag or not receipt.source or receipt.source_offset is None:
        return
    offset = upload.slot_offset(receipt.index)
    receipt.etag = await store.copy_in(upload.staging_area, offset, receipt.size, receipt.source, receipt.source_offset)
    if receipt.etag:
        await receipts.rename(upload.id, {receipt.index: receipt.etag})


def _parts(upload: Upload, ledger: Collection[Chunk]) -> Sequence[Part]:
    return [Part(one.index, upload.slot_offset(one.index), one.size, one.etag) for one in ledger]
