"""What the content of a file shows: its media type and its media facts. They never decide whether it is published."""

from dataclasses import dataclass

from services.media.content_types.media_types import EXAMINED, NOTHING, Examined, examine, media_type
from services.media.types import MediaFacts
from storage.drive.file_kinds import file_kind
from storage.drive.models import FileKind
from storage.errors import NoSpace
from storage.uploads.models import Upload
from storage.uploads.small_files import is_small
from workers.job_context import JobContext
from workers.media.probe import count_failure, try_probe

#: Bytes at both ends of a file that describe its container, for stores that would have to download the whole file.
PROBED = 8 * 2**20


@dataclass(frozen=True)
class ContentFacts:
    """What the content of a file shows. ``media`` is None for a file without sound and video."""

    mime_type: str
    media: MediaFacts | None


async def content_facts(upload: Upload, key: str, context: JobContext) -> ContentFacts:
    """What the content of an upload shows, whose bytes are the prepared object ``key``.

    A file that is certainly no media is not probed: starting ffprobe takes longer than all else that is done for a
    small file. Raises like :func:`facts_of`.
    """
    examined = await _examined(upload, context)
    media = await facts_of(key, context) if _may_be_media(upload, examined) else None
    return ContentFacts(media_type(examined, upload.file_name, upload.mime_type, media), media)


def _may_be_media(upload: Upload, examined: Examined) -> bool:
    """Whether to probe a file. A small one of unknown content and name is none: sound of a few seconds is larger."""
    if examined.mime_type is None and is_small(upload):
        return file_kind(upload.mime_type) in {FileKind.VIDEO, FileKind.AUDIO}
    return examined.may_be_media


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


async def _examined(upload: Upload, context: JobContext) -> Examined:
    start = bytearray()
    await context.store.scan(upload.staging_area, 0, min(EXAMINED, upload.size), start.extend)
    try:
        return examine(bytes(start), is_whole=upload.size <= EXAMINED)
    except Exception as error:
        # The bytes are verified: a mistake in a parser must not keep them from being stored.
        count_failure(error, context.counters)
        return NOTHING
