"""The contract of a blob store. Every implementation passes ``tests/contracts/test_blob_*.py``.

Bytes come in through a *staging area*, one per upload, cut into slots that are written in any order. ``stage`` returns
its handle, which only the store can read. Once every slot is filled, ``seal`` makes one object of them, ``scan`` reads
it again, and ``publish`` turns it into a *blob*, durably; a blob never changes. Where slots are damaged, ``reopen``
returns a staging area that has all the others. Keys are ours, never a client's.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

#: Bytes of one read. Larger blocks leave the processor's cache, smaller ones cost calls.
BLOCK = 1024 * 1024

Buffer = bytes | memoryview


@dataclass(frozen=True)
class Digests:
    """Digests of bytes, in lower-case hex.

    ``sha256`` (FIPS 180-4) is reported to the sender. ``xxh3`` (XXH3 with 128 bits) finds damage when the bytes are
    read again, in a fiftieth of the time; it is no protection against an attacker. ``etag`` is the store's own name for
    them, if it has one; only the store knows what it means.
    """

    sha256: str
    xxh3: str
    etag: str | None = None


@dataclass(frozen=True)
class Part:
    """The content of slot ``index``: ``size`` bytes from ``offset`` on, and the store's ETag of them."""

    index: int
    offset: int
    size: int
    etag: str | None


@dataclass(frozen=True)
class ReopenedStaging:
    """The staging area in which an upload continues. ``etags`` are those of its filled slots, by index."""

    staging: str
    etags: Mapping[int, str | None]


@dataclass(frozen=True)
class StoredObject:
    """A blob or a staging area in a listing: its size in bytes, and when it was last written to.

    Of a staging area, ``staging`` is the beginning of its handle, which ``discard`` takes as well. A store that would
    have to read every slot for them reports the size 0 and the time at which the staging area was made.
    """

    key: str
    size: int
    modified_at: datetime
    staging: str = ""


Accept = Callable[[Digests], None]


def accept_all(_: Digests) -> None:
    """Accept any digests."""


@dataclass(frozen=True)
class MissingRule:
    """A rule that the store lacks. ``add`` adds it; where it is None, an operator has to."""

    code: str
    text: str
    add: Callable[[], Awaitable[None]] | None


class SlotWriter(Protocol):
    """Writes one slot and hashes it meanwhile. The slot is locked until the context of the writer ends."""

    @property
    def written(self) -> int:
        """Bytes accepted so far."""
        ...

    @property
    def stores_on_threads(self) -> bool:
        """Whether :meth:`store` can be used."""
        ...

    def store(self, part: Buffer) -> None:
        """Append ``part``, blocking, on a thread of the caller's: the fastest way. Not to be mixed with ``write``.

        Raises like :meth:`write`.
        """
        ...

    async def write(self, parts: Sequence[Buffer]) -> None:
        """Append ``parts``. May return before they are stored, but never holds more than one such batch.

        Raises :class:`SlotOverflow` before it stores a byte beyond the slot, :class:`NoSpace` when the device is full.
        """
        ...

    async def finish(self, accept: Accept = accept_all) -> Digests:
        """Fill the slot with the bytes that came and return their digests.

        ``accept`` is called before the bytes count as the slot's; when it raises, they never do. Raises like
        :meth:`write`, and :class:`storage.errors.StagingLost` when the slots are no longer there.
        """
        ...


class BlobStore(Protocol):
    """Where bytes live. Offsets and sizes are in bytes."""

    @property
    def min_chunk_size(self) -> int:
        """The smallest slot that the store takes; the last one of an upload may be smaller."""
        ...

    @property
    def reads_staging(self) -> bool:
        """Whether ``scan`` reads slots before ``seal``, so that they can be verified as they come."""
        ...

    async def stage(self, key: str, size: int, slot_size: int | None = None) -> str:
        """Reserve ``size`` bytes in slots of ``slot_size``, or in one; doing it twice is harmless.

        Returns the handle of the staging area. Raises :class:`NoSpace`, also when less would stay free than the store's
        reserve.
        """
        ...

    def slot(self, staging: str, offset: int, size: int) -> AbstractAsyncContextManager[SlotWriter]:
        """Open the slot that begins at ``offset`` for writing.

        Raises :class:`SlotLocked` when another writer has it, :class:`BlobNotFound`.
        """
        ...

    async def scan(self, staging: str, offset: int, length: int, consume: Callable[[memoryview], None]) -> None:
        """Pass a part of a sealed staging area, or of the blob that it was published as, to ``consume``.

        ``consume`` is called on a thread, in order, with views of at most a mebibyte that are valid only during the
        call, and no more once this has returned or was cancelled. Ends early where the bytes end. Raises
        :class:`BlobNotFound`.
        """
        ...

    async def copy_in(self, staging: str, offset: int, size: int, source: str, source_offset: int) -> str | None:
        """Fill a slot with a part of the blob ``source``. What the blob lacks is not copied, which is no error.

        Returns the store's ETag of the copied bytes, if it has one. Raises :class:`NoSpace`.
        """
        ...

    async def write_back(self, staging: str, offset: int, length: int) -> None:
        """Begin to write a part of a staging area to the device, so that ``publish`` has less to wait for.

        Without a guarantee, and harmless where there is nothing.
        """
        ...

    async def seal(self, staging: str, parts: Sequence[Part]) -> None:
        """Make one object of these parts, which fill every slot, in order; doing it twice is harmless.

        It is not a blob before it is published. Raises :class:`storage.errors.PartsRefused`, and :class:`BlobNotFound`
        when the bytes are gone.
        """
        ...

    async def reopen(self, staging: str, parts: Sequence[Part]) -> ReopenedStaging:
        """A staging area that has these parts, as far as they are to be had, and takes bytes for every other slot.

        The one that was given stays what it is, as long as nobody discards it.
        """
        ...

    async def publish(self, staging: str) -> str:
        """Turn what is sealed into a blob, durably, and return its key; doing it twice is harmless.

        Raises :class:`BlobNotFound` when there is neither.
        """
        ...

    async def discard(self, staging: str, *, sealed: bool = False) -> None:
        """Delete a staging area, if there is one. What open writers still write is lost.

        With ``sealed``, also delete the object that it was sealed as: only for one that was certainly never published.
        """
        ...

    async def holds(self, staging: str) -> bool:
        """Whether there is such a staging area, or the object or blob that was made of it."""
        ...

    async def put(self, key: str, source: Path) -> None:
        """Turn a local file into a blob, durably; ``source`` is gone afterwards.

        Raises :class:`NoSpace`.
        """
        ...

    def read(self, key: str, offset: int, length: int) -> AsyncIterator[bytes]:
        """Read a part of a blob in blocks. Raises :class:`BlobNotFound` at the first block."""
        ...

    def local_path(self, key: str, ends: int | None = None) -> AbstractAsyncContextManager[Path]:
        """A path on this machine with a blob's bytes, for programs that need a file. Read it only inside the context.

        With ``ends``, only that many bytes at its beginning and at its end need be right. Raises :class:`BlobNotFound`,
        and :class:`NoSpace` where it has to be downloaded first.
        """
        ...

    async def download_url(self, key: str, seconds: int, mime_type: str, disposition: str) -> str | None:
        """A signed URL of a blob that is valid for so many seconds and sets these headers; None where there is none."""
        ...

    @property
    def supports_direct_uploads(self) -> bool:
        """Whether clients can send chunks to the store itself, by :meth:`slot_upload_url`."""
        ...

    async def slot_upload_url(self, staging: str, offset: int, size: int, seconds: int) -> str:
        """A signed URL for a PUT of a slot's bytes, valid for so many seconds. See ``supports_direct_uploads``."""
        ...

    async def filled_slots(self, staging: str, first: int, last: int) -> Mapping[int, Collection[tuple[str, int]]]:
        """ETags and sizes of what is in the slots from ``first`` to ``last``, by index.

        See ``supports_direct_uploads``. Raises :class:`storage.errors.StagingLost`.
        """
        ...

    async def delete(self, key: str) -> None:
        """Remove a blob, if there is one."""
        ...

    async def stat(self, key: str) -> StoredObject:
        """Size and age of a blob. Raises :class:`BlobNotFound`."""
        ...

    def staging_areas(self) -> AsyncIterator[StoredObject]:
        """Every staging area, in any order, and what an interrupted ``put`` left.

        What is made or deleted meanwhile may be listed or not. However many there are, memory holds only a few at once.
        """
        ...

    @property
    def listing_pause(self) -> float:
        """Seconds between two calls of ``staging_areas`` for cleaning up: a listing may cost money."""
        ...

    def blobs(self, prefix: str = "") -> AsyncIterator[StoredObject]:
        """Every blob whose key begins with ``prefix``, in any order; listed like ``staging_areas``."""
        ...

    async def missing_rules(self, days: int, origins: Sequence[str]) -> Sequence[MissingRule]:
        """The rules that the store lacks: to delete abandoned parts, not before ``days``, and to let browsers in.

        Pages of ``origins`` send chunks to the store itself.
        """
        ...

    async def check(self) -> None:
        """Raise when the store cannot be written to."""
        ...

    async def close(self) -> None:
        """Release threads and connections."""
        ...
