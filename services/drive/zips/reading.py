"""Reads the bytes of a zip file, in any range, in blocks."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from services.drive.zips.entries import EncodedEntries
from services.drive.zips.errors import ContentLost
from services.drive.zips.layout import BlobPart, ZipLayout
from storage.blobs import BlobStore, BlockSize
from storage.errors import BlobNotFound

#: Bytes of the objects and numbers that an open zip file keeps for each entry, beside the entry itself.
ENTRY_OVERHEAD = 64


class ZipReader:
    """Reads one zip file. ``memory`` is what it keeps until then, in bytes."""

    def __init__(self, entries: EncodedEntries, store: BlobStore) -> None:
        self._layout = ZipLayout(entries)
        self._store = store
        self.memory = entries.encoded_size + ENTRY_OVERHEAD * len(entries)

    @property
    def size(self) -> int:
        """The size of the zip file, in bytes."""
        return self._layout.size

    async def read(self, offset: int, length: int, block_size: BlockSize) -> AsyncGenerator[bytes, None]:
        """A part of the zip file, in blocks of at most ``block_size()`` bytes.

        Headers and small files share blocks. Raises :class:`ContentLost` if the store has lost the bytes of a file.
        """
        buffer = bytearray()
        async with aclosing(self._pieces(offset, length, lambda: max(1, block_size() - len(buffer)))) as pieces:
            async for piece in pieces:
                if not buffer and len(piece) >= block_size():
                    yield piece
                    continue
                buffer += piece
                while len(buffer) >= (size := block_size()):
                    yield bytes(buffer[:size])
                    del buffer[:size]
        if buffer:
            yield bytes(buffer)

    async def _pieces(self, offset: int, length: int, block_size: BlockSize) -> AsyncGenerator[bytes, None]:
        for part in self._layout.parts(offset, length):
            if isinstance(part, BlobPart):
                async with aclosing(self._blob(part, block_size)) as blocks:
                    async for block in blocks:
                        yield block
            else:
                yield part

    async def _blob(self, part: BlobPart, block_size: BlockSize) -> AsyncGenerator[bytes, None]:
        count = 0
        try:
            async for block in self._store.read(part.key, part.offset, part.length, block_size):
                count += len(block)
                yield block
        except BlobNotFound as error:
            raise ContentLost("The bytes of a file in this zip file are missing on the server.") from error
        if count < part.length:
            raise ContentLost("Some bytes of a file in this zip file are missing on the server.")
