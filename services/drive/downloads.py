"""The bytes of versions and renditions, for downloads."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.core.errors import NotFound
from storage.blobs import BlobStore, BlockSize, largest_block
from storage.deletion.items import is_attached
from storage.drive import versions
from storage.drive.names import derived
from storage.errors import BlobNotFound

#: Seconds for which a URL of the store is valid. A download that has started continues after that; a resumed one gets a
#: new URL from this server.
LINK_SECONDS = 300


@dataclass(frozen=True)
class Content:
    """A download: a blob that never changes, with a name and a type."""

    key: str
    name: str
    mime_type: str
    size: int
    sha256: str
    modified_at: datetime


class Downloads:
    """Finds and reads bytes, for callers with a signed URL."""

    def __init__(self, store: BlobStore, *, redirects: bool = False) -> None:
        """With ``redirects``, downloads are redirected to the store, if it has URLs."""
        self._store = store
        self._redirects = redirects

    async def version(self, version_id: UUID) -> Content:
        """The bytes of a version. Raises :class:`NotFound`."""
        version = await versions.find(version_id)
        if not version or not await is_attached(version):
            raise NotFound("There is no such file.")
        blob = version.blob
        return Content(blob.key, version.item.name, version.mime_type, blob.size, blob.sha256, version.created_at)

    async def rendition(self, rendition_id: UUID) -> Content:
        """The bytes of a rendition. Raises :class:`NotFound`."""
        rendition = await versions.find_rendition(rendition_id)
        if not rendition or not await is_attached(rendition.version):
            raise NotFound("There is no such rendition.")
        blob, file_name = rendition.blob, rendition.version.item.name
        name = derived(file_name, ".compressed.mp4")
        return Content(blob.key, name, rendition.mime_type, blob.size, blob.sha256, rendition.created_at)

    async def redirect_url(self, content: Content, content_type: str, disposition: str) -> str | None:
        """A URL of the store, valid for ``LINK_SECONDS``, whose response has these headers.

        None if the caller must use :meth:`read`.
        """
        if not self._redirects:
            return None
        return await self._store.download_url(content.key, LINK_SECONDS, content_type, disposition)

    async def read(
        self, content: Content, offset: int, length: int, block_size: BlockSize = largest_block
    ) -> AsyncGenerator[bytes, None]:
        """A part of the bytes, in blocks of at most ``block_size()`` bytes.

        Raises :class:`NotFound` if the store has lost them.
        """
        try:
            async for block in self._store.read(content.key, offset, length, block_size):
                yield block
        except BlobNotFound as error:
            raise NotFound("The bytes of this file are missing on the server.") from error
