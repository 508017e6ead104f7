"""The contract of a blob store. Every implementation passes ``tests/contracts/test_blob_*.py``.

Bytes come in through a *staging area*, one per upload, cut into slots that are written in any order. What ``stage``
returned names it: a handle, which means nothing to anybody but the store. Once every slot is filled, ``seal`` makes one
object of them, ``scan`` reads it again, and ``publish`` turns it into a *blob*, durably; a blob never changes. Where
something is damaged, ``reopen`` gives back a staging area that has everything else. Keys are ours, never a client's.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

#: Bytes handed over at once when a blob is read. Larger blocks leave the processor's cache, smaller ones cost calls.
BLOCK = 1024 * 1024


Buffer = bytes | memoryview


@dataclass(frozen=True)
class Digests:
    """What bytes are known by, each in lower-case hex.

    ``sha256`` (FIPS 180-4) is what their sender is told. ``xxh3`` (XXH3 with 128 bits) finds damage when they are read
    again, for a fiftieth of the time; it is no proof against somebody who means harm. ``etag`` is what the store itself
    calls them, where it does; only the store can tell what it means.
    """

    sha256: str
    xxh3: str
    etag: str | None = None


@dataclass(frozen=True)
class Part:
    """What fills slot ``index``: ``size`` bytes from ``offset`` on, and what the store called them."""

    index: int
    offset: int
    size: int
    etag: str | None


@dataclass(frozen=True)
class Reopened:
    """A staging area to go on with, and the slots of it that are filled, with what the store calls them there."""

    staging: str
    etags: Mapping[int, str | None]


@dataclass(frozen=True)
class StoredObject:
    """A blob or a staging area as a store lists it: its size in bytes, and when bytes last went into it.

    Of a staging area, ``staging`` is how its handle begins; ``discard`` takes that as well. A store that would have to
    look at every slot for them says 0 for its size, and when it was made for its age.
    """

    key: str
    size: int
    modified_at: datetime
    staging: str = ""


Accept = Callable[[Digests], None]


def anything(_: Digests) -> None:
    """Accept whatever came."""


@dataclass(frozen=True)
class MissingRule:
    """Something that a store has not been told and should be. ``add`` tells it; without one, an operator has to."""

    code: str
    text: str
    add: Callable[[], Awaitable[None]] | None


class SlotWriter(Protocol):
    """Writes one slot and hashes it on the way. Holds the slot against every other writer until it is left."""

    @property
    def written(self) -> int:
        """Bytes taken so far."""
        ...

    @property
    def stores_on_threads(self) -> bool:
        """Whether :meth:`store` can be used."""
        ...

    def store(self, part: Buffer) -> None:
        """Append ``part``, blocking, on a thread of the caller's; the fastest way in. Not to be mixed with ``write``.

        Raises like :meth:`write`.
        """
        ...

    async def write(self, parts: Sequence[Buffer]) -> None:
        """Append ``parts``. May return before they are stored, but never holds more than one such batch.

        Raises :class:`SlotOverflow` before it stores a byte beyond the slot, :class:`NoSpace` when the device is full.
        """
        ...

    async def finish(self, accept: Accept = anything) -> Digests:
        """Fill the slot with what came, if ``accept`` lets it, and return what it is known by.

        ``accept`` is asked before the bytes become part of anything; the error that it raises is raised here. Raises
        like :meth:`write`, and :class:`storage.errors.StagingLost` when the slots are no longer there.
        """
        ...


class BlobStore(Protocol):
    """Where bytes live. Offsets and sizes are in bytes."""

    @property
    def min_chunk_size(self) -> int:
        """The smallest slot it can take, but for the last one of an upload."""
        ...

    @property
    def reads_staging(self) -> bool:
        """Whether ``scan`` reads slots before ``seal``, so that they can be verified as they come."""
        ...

    async def stage(self, key: str, size: int, slot_size: int | None = None) -> str:
        """Reserve room for ``size`` bytes in slots of ``slot_size``, or in one; doing it twice is harmless.

        Returns the handle of the staging area. Raises :class:`NoSpace`, also when less would stay free than the store
        keeps for running work.
        """
        ...

    def slot(self, staging: str, offset: int, size: int) -> AbstractAsyncContextManager[SlotWriter]:
        """Open the slot that begins at ``offset`` for writing.

        Raises :class:`SlotLocked` when another writer has it, :class:`BlobNotFound`.
        """
        ...

    async def scan(self, staging: str, offset: int, length: int, consume: Callable[[memoryview], None]) -> None:
        """Hand a part of a sealed staging area to ``consume``, or of the blob that it was published as.

        ``consume`` is called on a thread, in order, with views of at most a mebibyte that are valid only during the
        call, and no more once this has returned or was cancelled. Ends early where the bytes end. Raises
        :class:`BlobNotFound`.
        """
        ...

    async def copy_in(self, staging: str, offset: int, size: int, source: str, source_offset: int) -> str | None:
        """Fill a slot from a blob. What is not there, here or there, is not copied.

        Whoever needs to know reads it again. Returns what the store calls these bytes, where it does and there are any.
        Raises :class:`NoSpace`.
        """
        ...

    async def write_back(self, staging: str, offset: int, length: int) -> None:
        """Begin to carry a part of a staging area to the device, so that ``publish`` finds less left to wait for.

        Promises nothing, and is harmless where there is nothing.
        """
        ...

    async def seal(self, staging: str, parts: Sequence[Part]) -> None:
        """Make one object of these parts, which fill every slot, in order; doing it twice is harmless.

        Nobody sees it before it is published. Raises :class:`storage.errors.PartsRefused`, and :class:`BlobNotFound`
        when the bytes are gone.
        """
        ...

    async def reopen(self, staging: str, parts: Sequence[Part]) -> Reopened:
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
        """Give up a staging area, if there is one. Writers that still hold a slot write into nothing.

        With ``sealed``, also what was made of it. Only who knows that it was never published may say so.
        """
        ...

    async def holds(self, staging: str) -> bool:
        """Whether there is such a staging area, or what was made of it."""
        ...

    async def put(self, key: str, source: Path) -> None:
        """Take a finished local file over as a blob, durably; ``source`` is gone afterwards.

        Raises :class:`NoSpace`.
        """
        ...

    def read(self, key: str, offset: int, length: int) -> AsyncIterator[bytes]:
        """Read a part of a blob in blocks. Raises :class:`BlobNotFound` at the first block."""
        ...

    def local_path(self, key: str, ends: int | None = None) -> AbstractAsyncContextManager[Path]:
        """A path on this machine with a blob's bytes, for programs that need a file. Read it only inside the context.

        With ``ends``, only that many bytes at its beginning and at its end need be right. Raises :class:`BlobNotFound`,
        and :class:`NoSpace` where it has to be loaded first.
        """
        ...

    async def link(self, key: str, seconds: int, mime_type: str, disposition: str) -> str | None:
        """A URL by which anybody can read a blob for so many seconds, with these headers; None where there is none."""
        ...

    @property
    def takes_direct(self) -> bool:
        """Whether clients can fill slots without us, by :meth:`slot_link`."""
        ...

    async def slot_link(self, staging: str, offset: int, size: int, seconds: int) -> str:
        """A URL to which anybody can PUT the bytes of a slot for so many seconds. Only where ``takes_direct``."""
        ...

    async def filled(self, staging: str, first: int, last: int) -> Mapping[int, Collection[tuple[str, int]]]:
        """What the store has in the slots from ``first`` to ``last``: by index, ETags with sizes. Only where
        ``takes_direct``. Raises :class:`storage.errors.StagingLost`.
        """
        ...

    async def delete(self, key: str) -> None:
        """Remove a blob, if there is one."""
        ...

    async def stat(self, key: str) -> StoredObject:
        """What the store knows of a blob without reading it. Raises :class:`BlobNotFound`."""
        ...

    def staged(self) -> AsyncIterator[StoredObject]:
        """Every staging area, in any order, and whatever a ``put`` that was cut off left.

        What comes or goes meanwhile may be listed or not. However many there are, only a few are held at once.
        """
        ...

    @property
    def listing_pause(self) -> float:
        """Seconds to let pass before ``staged`` is asked for again by whoever only tidies up: asking may cost."""
        ...

    def blobs(self, begin: str = "") -> AsyncIterator[StoredObject]:
        """Every blob whose key begins so, in any order and in the same manner as ``staged``."""
        ...

    async def missing_rules(self, days: int, origins: Sequence[str]) -> Sequence[MissingRule]:
        """What the store has to be told so that abandoned parts go, not before ``days``, and browsers get in.

        Pages of ``origins`` fill slots without us.
        """
        ...

    async def check(self) -> None:
        """Raise when the store cannot be written to."""
        ...

    async def close(self) -> None:
        """Let go of threads and connections."""
        ...
