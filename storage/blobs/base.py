"""The contract of a blob store. Every implementation passes ``tests/contracts/test_blob_*.py``.

Each upload has a *staging area*, which is divided into slots that are written in any order. ``stage`` returns its
handle, which is opaque outside the store. Once every slot is filled, ``seal`` combines them into one object, ``scan``
reads it again, ``prepare`` makes it durable, and ``publish`` turns it into a *blob*, which never changes. If slots are
damaged, ``reopen`` returns a staging area with all other slots. The server chooses all keys; none comes from a client.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from storage.blobs.publishing import Publisher
from storage.errors import NoSpace

#: Bytes of one read. Larger blocks do not fit the processor's cache, smaller ones need more calls.
BLOCK = 1024 * 1024

Buffer = bytes | memoryview
#: Returns the most bytes of the next block, at most ``BLOCK``.
BlockSize = Callable[[], int]


def largest_block() -> int:
    """The size of blocks for a reader that needs no smaller ones."""
    return BLOCK


@dataclass(frozen=True)
class Digests:
    """Digests of bytes, in lower-case hex.

    ``sha256`` (FIPS 180-4) is reported to the sender. ``xxh3`` (XXH3 with 128 bits) detects damage when the bytes are
    read again, in a fiftieth of the time; it does not protect against an attacker. ``etag`` is the store's own
    identifier of them, if it has one; it is opaque outside the store.
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

    For a staging area, ``staging`` is the start of its handle, which ``discard`` accepts as well. A store that would
    have to read every slot for size and time reports the size 0 and the time of creation.
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
    """A rule that the store lacks. ``add`` adds it; if ``add`` is None, an operator must."""

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
        """Append ``part``. Blocks, so the caller uses a thread; this is the fastest way. Do not mix it with ``write``.

        Raises like :meth:`write`.
        """
        ...

    async def write(self, parts: Sequence[Buffer]) -> None:
        """Append ``parts``. May return before they are stored, but never holds more than one such batch.

        Raises :class:`SlotOverflow` before it stores a byte beyond the slot, :class:`NoSpace` when the device is full.
        """
        ...

    async def finish(self, accept: Accept = accept_all) -> Digests:
        """Fill the slot with the received bytes and return their digests.

        ``accept`` is called before the slot counts as filled; if it raises, the slot stays open. Raises like
        :meth:`write`, and :class:`storage.errors.StagingLost` if the slots no longer exist.
        """
        ...


class BlobStore(Publisher, Protocol):
    """Stores the bytes of files. Offsets and sizes are in bytes."""

    @property
    def min_chunk_size(self) -> int:
        """The smallest slot that the store accepts; the last slot of an upload may be smaller."""
        ...

    @property
    def reads_staging(self) -> bool:
        """Whether ``scan`` reads slots before ``seal``, so that they can be verified as they arrive."""
        ...

    async def stage(self, key: str, size: int, slot_size: int | None = None) -> str:
        """Reserve ``size`` bytes in slots of ``slot_size``, or in one slot. Repeating it is harmless.

        Returns the handle of the staging area. Raises :class:`NoSpace`, also if less than the store's reserve would
        stay free.
        """
        ...

    async def stage_all(self, areas: Sequence[tuple[str, int, int]]) -> list[str | NoSpace]:
        """Like :meth:`stage` for several keys, sizes and slot sizes, in less time. Errors are in place of handles."""

    async def free_space(self) -> int | None:
        """The bytes that ``stage`` can still reserve; None if it reserves nothing."""
        ...

    def slot(self, staging: str, offset: int, size: int) -> AbstractAsyncContextManager[SlotWriter]:
        """Open the slot that begins at ``offset`` for writing.

        Raises :class:`SlotLocked` when another writer has it, :class:`BlobNotFound`.
        """
        ...

    async def scan(self, staging: str, offset: int, length: int, consume: Callable[[memoryview], None]) -> None:
        """Pass a part of a sealed staging area, or of the blob that it became, to ``consume``.

        ``consume`` is called on a thread, in order, with views of at most a mebibyte that are valid only during the
        call. It is not called after this method returned or was cancelled. Stops early where the bytes end. Raises
        :class:`BlobNotFound`.
        """
        ...

    async def watch_errors(self, staging: str) -> object:
        """Let ``publish`` learn of every error of the device from now on, while the returned object is referenced.

        Call it before the first ``scan`` whose result is to count. Raises :class:`BlobNotFound`.
        """
        ...

    async def copy_in(self, staging: str, offset: int, size: int, source: str, source_offset: int) -> str | None:
        """Fill a slot with a part of the blob ``source``. Bytes that the blob lacks are not copied, without an error.

        Returns the store's ETag of the copied bytes, if it has one. Raises :class:`NoSpace`.
        """
        ...

    async def write_back(self, staging: str, offset: int, length: int) -> None:
        """Start to write a part of a staging area to the device, so that ``publish`` takes less time.

        This gives no guarantee. It does nothing if there are no bytes.
        """
        ...

    async def seal(self, staging: str, parts: Sequence[Part]) -> None:
        """Combine these parts, which fill every slot, into one object, in order. Repeating it is harmless.

        The object is not a blob until it is published. Raises :class:`storage.errors.PartsRefused`, and
        :class:`BlobNotFound` if the bytes no longer exist.
        """
        ...

    async def reopen(self, staging: str, parts: Sequence[Part]) -> ReopenedStaging:
        """A staging area with those of these parts that the store still has.

        Every other slot accepts bytes. The original staging area stays unchanged until it is discarded.
        """
        ...

    async def discard(self, staging: str, *, sealed: bool = False) -> None:
        """Delete a staging area, if it exists.

        Bytes of open writers are lost. With ``sealed``, also delete the object that it was sealed as, unless that may
        have been published: it has a record, or is from a version without records. A staging area with a record is not
        deleted, but kept as a blob.
        """
        ...

    async def holds(self, staging: str) -> bool:
        """Whether this staging area exists, or the object or blob that it became."""
        ...

    async def put(self, key: str, source: Path) -> None:
        """Durably turn a local file into a blob. ``source`` no longer exists afterwards.

        Raises :class:`NoSpace`.
        """
        ...

    def read(self, key: str, offset: int, length: int, block_size: BlockSize = largest_block) -> AsyncIterator[bytes]:
        """Read a part of a blob in blocks. Raises :class:`BlobNotFound` at the first block."""
        ...

    def local_path(self, key: str, ends: int | None = None) -> AbstractAsyncContextManager[Path]:
        """A path on this machine with the bytes of a blob, or of a prepared object, for programs that need a file.

        Read it only inside the context. With ``ends``, only that many bytes at its start and at its end must be
        correct. Raises :class:`BlobNotFound`, and :class:`NoSpace` if it must be downloaded first.
        """
        ...

    async def download_url(self, key: str, seconds: int, mime_type: str, disposition: str) -> str | None:
        """A signed URL of a blob, valid for ``seconds``, that sets these headers; None if the store has no URLs."""
        ...

    @property
    def supports_direct_uploads(self) -> bool:
        """Whether clients can send chunks straight to the store, by :meth:`slot_upload_url`."""
        ...

    async def slot_upload_url(self, staging: str, offset: int, size: int, seconds: int) -> str:
        """A signed URL for a PUT of a slot's bytes, valid for ``seconds``. See ``supports_direct_uploads``."""
        ...

    async def filled_slots(self, staging: str, first: int, last: int) -> Mapping[int, Collection[tuple[str, int]]]:
        """ETags and sizes of the contents of the slots ``first`` to ``last``, by index.

        See ``supports_direct_uploads``. Raises :class:`storage.errors.StagingLost`.
        """
        ...

    async def delete(self, key: str) -> None:
        """Delete a blob and its record, if they exist."""
        ...

    async def stat(self, key: str) -> StoredObject:
        """Size and age of a blob. Raises :class:`BlobNotFound`."""
        ...

    def staging_areas(self) -> AsyncIterator[StoredObject]:
        """Every staging area, in any order, and the remains of interrupted ``put`` calls.

        One that is created or deleted during the listing may be missing. Memory holds only a few at a time.
        """
        ...

    @property
    def listing_pause(self) -> float:
        """Seconds between two calls of ``staging_areas`` for cleaning up, because a listing may cost money."""
        ...

    def blobs(self, prefix: str = "") -> AsyncIterator[StoredObject]:
        """Every blob whose key begins with ``prefix``, in any order; listed like ``staging_areas``."""
        ...

    async def missing_rules(self, days: int, origins: Sequence[str]) -> Sequence[MissingRule]:
        """The rules that the store lacks.

        They delete abandoned parts after at least ``days``, and allow pages of ``origins`` to send chunks straight to
        the store.
        """
        ...

    async def check(self) -> None:
        """Raise when the store cannot be written to."""
        ...

    async def close(self) -> None:
        """Release threads and connections."""
        ...
