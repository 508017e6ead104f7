"""The media facts of a file that is about to be published. They never decide whether it is."""

from services.media.types import MediaFacts
from storage.errors import NoSpace
from workers.job_context import JobContext
from workers.media.probe import count_failure, try_probe

#: Bytes at both ends of a file that describe its container, for stores that would have to download the whole file.
PROBED = 8 * 2**20


async def facts_of(key: str, context: JobContext) -> MediaFacts | None:
    """The facts of a blob; None if it is no media, or if it cannot be probed, whatever the reason is.

    Raises :class:`storage.errors.BlobNotFound`, and :class:`storage.errors.StoreUnavailable` if the store is away.
    """
    try:
        async with context.store.local_path(key, PROBED) as path:
            return await try_probe(path, context.tools, context.counters)
    except (NoSpace, OSError) as error:
        # The scratch folder, to which a store on the network copies the bytes, cannot be used.
        count_failure(error, context.counters)
        return None
