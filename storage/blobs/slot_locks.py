"""Locks on slots that are being written. They only avoid wasted work: a receipt is correct with or without a lock."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol

from storage.errors import SlotLocked


class SlotLocks(Protocol):
    """Locks on slots, by name."""

    def hold(self, name: str) -> AbstractAsyncContextManager[None]:
        """Lock a slot for the block. Raises :class:`SlotLocked` while another writer has it."""
        ...


class ProcessSlotLocks:
    """Locks within one process."""

    def __init__(self) -> None:
        self._locked: set[str] = set()

    @asynccontextmanager
    async def hold(self, name: str) -> AsyncIterator[None]:
        """See :class:`SlotLocks`."""
        if name in self._locked:
            raise SlotLocked("another writer holds the slot")
        self._locked.add(name)
        try:
            yield
        finally:
            self._locked.discard(name)


#: The locks of this process, for stores that do not share locks with other processes.
PROCESS_LOCKS = ProcessSlotLocks()
