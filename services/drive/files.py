"""Files and renditions: lists for their owner, and content for downloads."""

from collections.abc import AsyncGenerator, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.core.errors import NotFound
from storage.blobs import BlobStore, BlockSize, largest_block
from storage.database.pages import Window
from storage.drive import files as rows
from storage.drive.models import File, Rendition
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


class Files:
    """Operations on files for their owner. Files of other accounts count as missing."""

    def __init__(self, store: BlobStore, *, redirects: bool = False) -> None:
        """With ``redirects``, downloads are redirected to the store, if it has URLs."""
        self._store = store
        self._redirects = redirects

    async def find(self, file_id: UUID) -> File | None:
        """The file with this key, of any account."""
        return await rows.find(file_id)

    async def page(self, account_id: UUID, window: Window[UUID]) -> Sequence[File]:
        """A window of the account's files, the newest one first."""
        return await rows.page(account_id, window)

    async def count(self, account_id: UUID) -> int:
        """The number of the account's files."""
        return await rows.count(account_id)

    async def find_rendition(self, rendition_id: UUID) -> Rendition | None:
        """The rendition with this key, of any account; its blob and its file are loaded."""
        return await rows.find_rendition(rendition_id)

    async def find_many(self, file_ids: Collection[UUID]) -> dict[UUID, File]:
        """Files by key, for an authorized caller."""
        return await rows.find_many(file_ids)

    async def renditions_of(self, file_ids: Collection[UUID]) -> dict[UUID, list[Rendition]]:
        """Renditions by file, for an authorized caller."""
        return await rows.renditions_of(file_ids)

    async def content(self, file_id: UUID) -> Content:
        """A file's bytes, for an authorized caller. Raises :class:`NotFound`."""
        file = await rows.find(file_id)
        if not file:
            raise NotFound("There is no such file.")
        blob = file.blob
        return Content(blob.key, file.name, file.mime_type, blob.size, blob.sha256, file.created_at)

    async def rendition_content(self, rendition_id: UUID) -> Content:
        """A rendition's bytes, for an authorized caller. Raises :class:`NotFound`."""
        rendition = await rows.find_rendition(rendition_id)
        if not rendition:
            raise NotFound("There is no such rendition.")
        blob = rendition.blob
        name = f"{rendition.file.name.rpartition('.')[0] or rendition.file.name}.compressed.mp4"
        return Content(blob.key, name, rendition.mime_type, blob.size, blob.sha256, rendition.created_at)

    async def redirect_url(self, content: Content, disposition: str) -> str | None:
        """A URL of the store, valid for ``LINK_SECONDS``; None if the caller must use :meth:`read`."""
        if not self._redirects:
            return None
        return await self._store.download_url(content.key, LINK_SECONDS, content.mime_type, disposition)

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
