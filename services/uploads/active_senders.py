"""Who fills which slot in this process, and when somebody else may take it over.

The lock on a slot's bytes excludes every other request, but it cannot tell a slow sender from a dead one. A phone that
changes networks leaves a connection behind that never ends: its own next try would find the slot busy until the
stall limit has passed. So whoever comes with a right to the slot takes it from a holder that has been silent for a
while. A holder that sends keeps the slot, however slowly, and so does one whose bytes the server is still busy with.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Hashable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from services.uploads.errors import SlotBusy, SlotTakenOver

#: Seconds without a byte after which a holder may lose its slot. Longer than what a lost packet or a change of the
#: radio cell costs a living connection, and short enough that a client's second or third try gets through.
SILENCE_SECONDS = 2.0
#: Seconds that the old holder has for leaving. It waits for the network only, so that this is a thread being woken up.
LEAVING_SECONDS = 5.0

#: The seconds for which the server has been waiting for the next byte; 0 while it is not waiting.
Silence = Callable[[], float]


def never_silent() -> float:
    """A sender that cannot be waited for, because all its bytes are there."""
    return 0.0


@dataclass(eq=False)
class _Holder:
    """One request that fills a slot; ``patience`` is how long it may be silent."""

    task: asyncio.Task[object]
    silence: Silence
    patience: float
    evicted: bool = False
    left: asyncio.Event = field(default_factory=asyncio.Event)

    def evict(self) -> None:
        """End the request where it waits for bytes, which is where it is as long as it is silent: never in a commit."""
        self.evicted = True
        self.task.cancel()


class SlotHolders:
    """The slots of one process that are being filled."""

    def __init__(self) -> None:
        self._holders: dict[Hashable, _Holder] = {}

    @asynccontextmanager
    async def hold(self, slot: Hashable, silence: Silence) -> AsyncIterator[None]:
        """Hold a slot for the block, which may be cancelled by a successor once ``silence`` says so.

        Raises :class:`SlotBusy` while a holder that is alive has the slot, and :class:`SlotTakenOver` out of the block.
        """
        task = asyncio.current_task()
        assert task
        holder = _Holder(task, silence, await self._take_over(slot))
        self._holders[slot] = holder
        cancelling = task.cancelling()
        try:
            yield
        except asyncio.CancelledError:
            # The server's own cancellation, at its end, goes before.
            if holder.evicted and task.uncancel() <= cancelling:
                raise SlotTakenOver("You were silent for a while, and another request fills this slot now.") from None
            raise
        finally:
            del self._holders[slot]
            holder.left.set()

    async def _take_over(self, slot: Hashable) -> float:
        """Make the slot free. Returns the patience that its next holder deserves.

        It doubles with every change of hands, so that two devices on bad lines cannot take the slot from each other for
        ever: soon one of them has the time to finish.
        """
        old = self._holders.get(slot)
        if old is None:
            return SILENCE_SECONDS
        if old.evicted or old.silence() < old.patience:
            raise _busy()
        old.evict()
        try:
            async with asyncio.timeout(LEAVING_SECONDS):
                await old.left.wait()
        except TimeoutError:
            raise _busy() from None
        if slot in self._holders:
            raise _busy()
        return old.patience * 2


def _busy() -> SlotBusy:
    return SlotBusy("Another request is filling this slot. Try again in a moment.")
