"""What storage reports upwards. Services turn these into refusals with a code."""

from collections.abc import Collection


class StorageError(Exception):
    """Base of everything below."""


class Duplicate(StorageError):
    """A row with the same unique key exists already."""


class StateChanged(StorageError):
    """A compare-and-set lost: the row is no longer in the state it was read in."""


class BlobNotFound(StorageError):
    """No blob and no staging area has this key."""


class StagingLost(BlobNotFound):
    """Whoever keeps the bytes has thrown away every slot of this staging area."""


class PartsRefused(StorageError):
    """The store does not have these parts as its receipts say. ``indexes`` are those of their slots."""

    def __init__(self, indexes: Collection[int]) -> None:
        super().__init__(f"{len(indexes)} parts are not what they were")
        self.indexes = sorted(indexes)


class StoreUnavailable(StorageError):
    """The store does not answer, or cannot at the moment, and was asked more than once. Nothing is lost."""


class StoreRefused(StoreUnavailable):
    """The store does not take who we say we are. Work waits for an operator."""


class SlotLocked(StorageError):
    """Another writer holds this slot."""


class SlotOverflow(StorageError):
    """More bytes were written than the slot holds. The surplus was not stored."""


class NoSpace(StorageError):
    """The device is full, for bytes or for rows. What was stored before is untouched."""


class OverQuota(StorageError):
    """The account may not store this much."""


class InvalidCursor(StorageError):
    """A cursor was not made by this log."""


class DatabaseUnavailable(StorageError):
    """The database does not answer, or answers no more. What was under way is done as a whole or not at all."""


class ConnectionLost(DatabaseUnavailable):
    """The connection ended in the middle of something. The next caller gets another one."""


class TransactionAborted(StorageError):
    """Another transaction was in the way, so that the database undid this one. It can be run again."""


def in_one_line(error: BaseException) -> str:
    """What kind of error it is and how its text begins, for a log or for somebody who reads it at a terminal."""
    return f"{type(error).__name__}: {error}".splitlines()[0] if str(error) else type(error).__name__
