"""Who writes a slot now. Only a courtesy: a receipt is proof of its bytes whether or not anybody holds the slot."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol

from storage.errors import SlotLocked


class Slots(Protocol):
    """Slots that are held, by name."""

    def hold(self, name: str) -> AbstractAsyncContextManager[None]:
        """Hold a slot for the block. Raises :class:`SlotLocked` while somebody else does."""
        ...


class SlotsOfProcess:
    """Slots that are held in one process."""

    def __init__(self) -> None:
        self._held: set[str] = set()

    @asynccontextmanager
    async def hold(self, name: str) -> AsyncIterator[None]:
        """See :class:`Slots`."""
        if name in self._held:
            raise SlotLocked("another writer holds the slot")
        self._held.add(name)
        try:
            yield
        finally:
            self._held.discard(name)


#: For every store of this process that was given nothing better.
HERE = SlotsOfProcess()
