"""The file to send. It is read in small blocks, in threads, and checked for changes."""

import asyncio
import hashlib
import os
import stat
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from cloudkeep.client.errors import SourceChanged, SourceError, TransferFailed

#: Bytes per block: small, so that a slow connection can send a block before the timeout.
BLOCK_SIZE = 256 * 1024
#: Bytes that one call in a thread hashes. Small, so that Ctrl-C does not wait for a slow disk.
HASH_STEP = 4 * 1024 * 1024

#: Called with the number of bytes that are done.
OnProgress = Callable[[int], None]


@dataclass(frozen=True)
class Digests:
    """SHA-256 of a whole file and of each chunk of ``chunk_size`` bytes, in hex."""

    whole: str
    chunk_size: int
    chunks: list[str]


class Source:
    """An open, regular file, as it was when it was opened. Sizes and offsets are in bytes.

    Every method that reads raises :class:`SourceChanged` once the file has changed, and :class:`TransferFailed` when it
    cannot be read. ``status`` is that at the beginning. The file may be renamed or deleted meanwhile, because it stays
    open.
    """

    def __init__(self, path: Path) -> None:
        """Raises :class:`SourceError` unless the path is a readable regular file."""
        self._file = _open(path)
        self.name = path.absolute().name
        self.status = os.fstat(self._file)
        self.size = self.status.st_size
        if problem := _problem(self.status):
            self.close()
            raise SourceError(problem)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)

    async def digests(self, chunk_size: int, on_progress: OnProgress) -> Digests:
        """SHA-256 of the whole file and of its chunks."""
        whole, chunks = hashlib.sha256(), []
        for offset in range(0, self.size, chunk_size):
            chunk, length = hashlib.sha256(), min(chunk_size, self.size - offset)
            async for done in self._hash_in_steps(offset, length, chunk, whole):
                on_progress(offset + done)
            chunks.append(chunk.hexdigest())
        return Digests(whole.hexdigest(), chunk_size, chunks)

    async def content(self) -> bytes:
        """All bytes of a small file."""
        content = await asyncio.to_thread(self._read, 0, self.size) if self.size else b""
        self.require_unchanged()
        if len(content) != self.size:
            raise SourceChanged("the file became shorter while it was being sent")
        return content

    async def sha256_of(self, offset: int, size: int) -> bytes:
        """SHA-256 of a range."""
        digest = hashlib.sha256()
        async for _ in self._hash_in_steps(offset, size, digest):
            pass
        return digest.digest()

    async def blocks(self, offset: int, size: int) -> AsyncGenerator[bytes, None]:
        """A range, block by block."""
        end = offset + size
        while offset < end:
            block = await asyncio.to_thread(self._read, offset, min(BLOCK_SIZE, end - offset))
            offset += len(block)
            yield block
        self.require_unchanged()

    def require_unchanged(self) -> None:
        """Raise :class:`SourceChanged` if the size or the modification time has changed."""
        current = os.fstat(self._file)
        if (current.st_size, current.st_mtime_ns) != (self.size, self.status.st_mtime_ns):
            raise SourceChanged(
                "the file was changed while it was being sent; run the command again to upload it as it is now"
            )

    async def _hash_in_steps(self, offset: int, size: int, *digests: "hashlib._Hash") -> AsyncGenerator[int, None]:
        """Hash a range; yields how many bytes of it are done."""
        done = 0
        while done < size:
            step = min(HASH_STEP, size - done)
            await asyncio.to_thread(self._hash, offset + done, step, digests)
            done += step
            yield done
        self.require_unchanged()

    def _hash(self, offset: int, size: int, digests: "tuple[hashlib._Hash, ...]") -> None:
        end = offset + size
        while offset < end:
            block = self._read(offset, min(BLOCK_SIZE, end - offset))
            for digest in digests:
                digest.update(block)
            offset += len(block)

    def _read(self, offset: int, size: int) -> bytes:
        try:
            block = os.pread(self._file, size, offset)
        except OSError as error:
            raise TransferFailed(f"the file cannot be read: {error.strerror}") from error
        if not block:
            raise SourceChanged("the file became shorter while it was being sent")
        return block


def _open(path: Path) -> int:
    try:
        # Without O_NONBLOCK, opening a named pipe would wait for a writer.
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise SourceError(error.strerror or "it cannot be opened") from error
    except ValueError as error:
        raise SourceError("not a path") from error


def _problem(status: os.stat_result) -> str | None:
    """The reason why this cannot be uploaded, or None."""
    if stat.S_ISDIR(status.st_mode):
        return "is a folder; name the files in it"
    if not stat.S_ISREG(status.st_mode):
        return "not a regular file"
    return None
