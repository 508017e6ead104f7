"""The senders that fill slots in this process, and when another request may take a slot over.

The lock on a slot's bytes excludes every other request, but it cannot distinguish a slow sender from a dead one. A
phone that changes networks leaves a connection behind that never ends: its next attempt would find the slot busy until
the stall timeout. So a request that is authorized for a slot takes it over from a sender that has been silent for a
while. A sender keeps its slot while it sends, however slowly, and while the server is still storing its bytes.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Hashable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from services.uploads.errors import SlotBusy, SlotTakenOver

#: Seconds without a byte after which a sender may lose its slot. Longer than the delay of a live connection by a lost
#: packet or a change of the radio cell, and short enough that a client's second or third attempt succeeds.
SILENCE_SECONDS = 2.0
#: Seconds that an evicted sender has to end. It only waits for the network, so its thread just has to wake up.
EVICTION_SECONDS = 5.0

#: Returns the seconds for which the server has been waiting for the next byte; 0 if it is not waiting.
Silence = Callable[[], float]


def never_silent() -> float:
    """The silence of a sender whose bytes have all arrived."""
    return 0.0


@dataclass(eq=False)
class _Sender:
    """One request that fills a slot. It may be silent for ``max_silence`` seconds."""

    task: asyncio.Task[object]
    silence: Silence
    max_silence: float
    evicted: bool = False
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    def evict(self) -> None:
        """Cancel the request while it waits for bytes, as a silent one always does: never in the middle of a commit."""
        self.evicted = True
        self.task.cancel()


class ActiveSenders:
    """The senders of one process, by slot."""

    def __init__(self) -> None:
        self._senders: dict[Hashable, _Sender] = {}

    @asynccontextmanager
    async def hold(self, slot: Hashable, silence: Silence) -> AsyncIterator[None]:
        """Hold a slot for the block. Another sender may take it over once this one is silent.

        Raises :class:`SlotBusy` while another sender keeps the slot, and :class:`SlotTakenOver` from within the block.
        """
        task = asyncio.current_task()
        assert task
        sender = _Sender(task, silence, await self._take_over(slot))
        self._senders[slot] = sender
        cancelling = task.cancelling()
        try:
            yield
        except asyncio.CancelledError:
            # A cancellation by the server's shutdown takes precedence.
            if sender.evicted and task.uncancel() <= cancelling:
                raise SlotTakenOver("You were silent for a while, and another request now fills this slot.") from None
            raise
        finally:
            del self._senders[slot]
            sender.ended.set()

    async def _take_over(self, slot: Hashable) -> float:
        """Evict the slot's sender if it is silent. Returns the seconds for which the next one may be silent.

        This time doubles with every takeover, so that two devices on bad lines do not take the slot from each other for
        ever: soon one of them has the time to finish.
        """
        old = self._senders.get(slot)
        if old is None:
            return SILENCE_SECONDS
        if old.evicted or old.silence() < old.max_silence:
            raise _busy()
        old.evict()
        try:
            async with asyncio.timeout(EVICTION_SECONDS):
                await old.ended.wait()
        except TimeoutError:
            raise _busy() from None
        if slot in self._senders:
            raise _busy()
        return old.max_silence * 2


def _busy() -> SlotBusy:
    return SlotBusy("Another request is filling this slot. Try again in a moment.")
