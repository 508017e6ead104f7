"""The errors of storage. Services translate them into errors with a code."""

from collections.abc import Collection


class StorageError(Exception):
    """Base class of the errors of storage."""


class Duplicate(StorageError):
    """A row with the same unique key exists already."""


class StateChanged(StorageError):
    """A compare-and-set failed: the row has changed since it was read."""


class BlobNotFound(StorageError):
    """No blob and no staging area has this key."""


class StagingLost(BlobNotFound):
    """The store has deleted every slot of this staging area."""


class PartsRefused(StorageError):
    """The store does not have these parts as the receipts record them. ``indexes`` are those of their slots."""

    def __init__(self, indexes: Collection[int]) -> None:
        super().__init__(f"{len(indexes)} parts differ from their receipts")
        self.indexes = sorted(indexes)


class StoreUnavailable(StorageError):
    """The store does not answer or reports a temporary error, also after retries. Nothing is lost."""


class StoreRefused(StoreUnavailable):
    """The store rejects our credentials. Work waits for an operator."""


class SlotLocked(StorageError):
    """Another writer has this slot."""


class SlotOverflow(StorageError):
    """More bytes were written than the slot has. The surplus was not stored."""


class NoSpace(StorageError):
    """The device is full, for bytes or for rows. Nothing that was stored before has changed."""


class OverQuota(StorageError):
    """The account may not store this much."""


class LimitReached(StorageError):
    """There are as many rows of this kind as there may be."""


class InvalidCursor(StorageError):
    """A cursor does not belong to this log."""


class DatabaseUnavailable(StorageError):
    """The database does not answer. A running transaction was committed as a whole or not at all."""


class QueryTimeout(StorageError):
    """A query took longer than its caller allows."""


class DatabaseDamaged(StorageError):
    """The database, or a copy of it, has contents that cannot be right."""


class DatabaseInUse(StorageError):
    """Another process has the database open."""


class MigrationAborted(StorageError):
    """A migration failed and changed nothing. The message says where a copy of the database is."""


class ConnectionLost(DatabaseUnavailable):
    """The connection ended while it was in use. The next caller gets another one."""


class TransactionAborted(StorageError):
    """The database rolled this transaction back because of another one. It can be run again."""


def in_one_line(error: BaseException) -> str:
    """The type of an error and the first line of its text, for a log or a terminal."""
    return f"{type(error).__name__}: {error}".splitlines()[0] if str(error) else type(error).__name__
