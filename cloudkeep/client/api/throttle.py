"""Holds back those who send at the same time, while the server asks for it."""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic

from cloudkeep.client.api.retry import Notify, RetryPolicy, as_asked
from cloudkeep.client.errors import Throttled

Send = Callable[[], Awaitable[None]]


class Throttle:
    """Lets senders pass all at once, and one after the other while the server wants less at a time.

    What it refuses was sent in vain: many that come back at once would mostly be refused again.
    """

    def __init__(self, patience: RetryPolicy, notify: Notify) -> None:
        self._patience = patience
        self._notify = notify
        self._turn = asyncio.Lock()
        self._resume_at = 0.0

    async def passed(self, send: Send) -> None:
        """Send, and again when the server says so for as long as it raises :class:`Throttled`."""
        if not self._turn.locked() and await self._sent(send):
            return
        async with self._turn:
            while True:
                await asyncio.sleep(max(0.0, self._resume_at - monotonic()))
                if await self._sent(send):
                    return

    async def _sent(self, send: Send) -> bool:
        try:
            await send()
        except Throttled as error:
            self._notify(as_asked(error))
            self._resume_at = max(self._resume_at, monotonic() + self._patience.pause(error.after))
            return False
        return True
