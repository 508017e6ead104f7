"""What storage reports upwards. Services turn these into refusals with a code."""


class StorageError(Exception):
    """Base of everything below."""


class Duplicate(StorageError):
    """A row with the same unique key exists already."""


class StateChanged(StorageError):
    """A compare-and-set lost: the row is no longer in the state it was read in."""


class BlobNotFound(StorageError):
    """No blob and no staging area has this key."""


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
