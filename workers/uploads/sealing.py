"""Combines an upload's slots into one object, for stores that cannot read them before, and reopens damaged slots."""

from collections.abc import Collection, Sequence
from functools import partial

from services.core.clock import now
from storage.blobs import BlobStore, Part
from storage.errors import BlobNotFound, NoSpace, PartsRefused, StateChanged
from storage.jobs.models import Job
from storage.uploads import job_results, receipts
from storage.uploads.models import Chunk, Upload
from workers.job_context import JobContext


async def seal(upload: Upload, store: BlobStore) -> list[int]:
    """Combine the slots into one object, as their receipts say. A killed worker may have done so already.

    Returns the slots whose bytes are missing: then nothing is sealed.
    """
    if store.reads_staging:
        return []
    by_index = {receipt.index: receipt for receipt in await receipts.find_all(upload.id)}
    for receipt in by_index.values():
        await _copy_known_chunk(upload, receipt, store)
    missing = [index for index in range(upload.chunk_count) if index not in by_index or not by_index[index].etag]
    if missing:
        return missing
    try:
        await store.seal(upload.staging_area, _parts(upload, by_index.values()))
    except PartsRefused as error:
        return error.indexes
    except BlobNotFound:
        return list(range(upload.chunk_count))
    return []


async def reopen(job: Job, upload: Upload, damaged: Collection[int], context: JobContext) -> None:
    """Reopen these slots, and all others whose bytes the store lacks.

    Raises :class:`StateChanged` if the lease was lost; then nothing has changed.
    """
    open_slots = set(damaged)
    intact = [receipt for receipt in await receipts.find_all(upload.id) if receipt.index not in open_slots]
    reopened = await context.store.reopen(upload.staging_area, _parts(upload, intact))
    open_slots |= {receipt.index for receipt in intact if receipt.index not in reopened.etags}
    has_moved = reopened.staging != upload.staging_area
    try:
        await job_results.reopen_slots(
            job,
            open_slots,
            now() + context.upload_lifetime,
            reopened if has_moved else None,
            partial(context.store.unpublish, upload.staging_area),
        )
    except (StateChanged, NoSpace):
        if has_moved:
            await context.store.discard(reopened.staging)
        raise
    if has_moved:
        # The old object can no longer be published: the upload's row now names another staging area. If it has a
        # record, it was published before this database was restored, and is kept.
        await context.store.discard(upload.staging_area, sealed=True)


async def _copy_known_chunk(upload: Upload, receipt: Chunk, store: BlobStore) -> None:
    """Copy a chunk from the owner's file that has it, unless it was already copied."""
    if receipt.etag or not receipt.source or receipt.source_offset is None:
        return
    offset = upload.slot_offset(receipt.index)
    receipt.etag = await store.copy_in(upload.staging_area, offset, receipt.size, receipt.source, receipt.source_offset)
    if receipt.etag:
        await receipts.set_etags(upload.id, {receipt.index: receipt.etag})


def _parts(upload: Upload, chunks: Collection[Chunk]) -> Sequence[Part]:
    return [Part(chunk.index, upload.slot_offset(chunk.index), chunk.size, chunk.etag) for chunk in chunks]
