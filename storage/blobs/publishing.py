"""The part of a blob store's contract that turns sealed objects into blobs, and remembers whose they are.

A *record* is a small document beside a blob. It is written once the bytes are verified and durable, before they are
published. So bytes with a record are those of a complete file, even if the database is an older copy and knows nothing
of them. The store never deletes them, except by ``delete``.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Protocol

#: Bytes of the largest record. It has a name, a type and a few numbers.
MAX_RECORD = 64 * 1024


class BlobRecords(Protocol):
    """The records of a store. Their contents are opaque here."""

    async def write(self, key: str, content: bytes) -> None:
        """Durably store the record of a blob, in place of an earlier one. Raises :class:`storage.errors.NoSpace`."""
        ...

    async def write_all(self, records: Mapping[str, bytes]) -> None:
        """Like :meth:`write` for several blobs, by key, in less time."""
        ...

    async def read(self, key: str) -> bytes | None:
        """The record of a blob; None if it has none."""
        ...

    async def keys(self, staging: str) -> Sequence[str]:
        """The keys of all records of an upload, by the handle of any of its staging areas; the latest key first."""
        ...

    def all_keys(self) -> AsyncIterator[str]:
        """The key of every record, in any order, in constant memory. One that is written meanwhile may be missing."""
        ...


class Publisher(Protocol):
    """Publishes sealed objects."""

    @property
    def records(self) -> BlobRecords:
        """The records of the blobs."""
        ...

    async def reread_after_failed_sync(self, staging: str) -> bool:
        """Let ``scan`` read from the device if a ``publish`` of this staging area failed, or was interrupted.

        Call it before the bytes are verified for a ``publish``. Returns whether there was such a failure: then nothing
        that was read before counts, because it may have come from memory only. Raises
        :class:`storage.errors.BlobNotFound`.
        """
        ...

    async def prepare(self, staging: str) -> str:
        """Make the sealed object durable, so that ``publish`` is fast. Returns the key of the blob that it becomes.

        Raises :class:`storage.errors.BlobNotFound` if the bytes no longer exist. Repeating it is harmless, also after
        ``publish``.
        """
        ...

    async def prepare_all(self, stagings: Sequence[str]) -> list[str]:
        """Like :meth:`prepare` for several sealed objects, in less time. Returns the keys in the same order."""
        ...

    async def publish(self, staging: str) -> str:
        """Turn the prepared object into a blob, and return its key.

        Takes milliseconds, so that a transaction may contain it. Repeating it is harmless. A store whose objects are
        blobs already does nothing.
        """
        ...

    async def publish_all(self, stagings: Sequence[str]) -> None:
        """Like :meth:`publish` for several prepared objects, in less time."""
        ...

    async def make_durable(self, key: str) -> None:
        """Sync a blob that may not be durable: an attempt to publish it failed, or an operator has copied it.

        Call it before the bytes are verified. Raises ``OSError``, and :class:`storage.errors.BlobNotFound`.
        """
        ...

    async def unpublish(self, staging: str) -> None:
        """Turn a blob that no row refers to back into the staging area, so that its slots can be reopened.

        Takes milliseconds, like ``publish``. Does nothing if there is no such blob, and in a store where ``reopen``
        returns another staging area.
        """
        ...

    async def was_published(self, key: str) -> bool:
        """Whether this blob may have been published: False if it is certainly only a sealed object.

        See :meth:`storage.blobs.base.BlobStore.discard`. Raises :class:`storage.errors.BlobNotFound`.
        """
        ...
