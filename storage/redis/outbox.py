"""Messages to Redis that may be lost: a background task sends them, and their senders wait for nothing."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from storage.errors import in_one_line
from storage.redis.breaker import Breaker, BreakerOpen

logger = logging.getLogger("cloudkeep.redis")

T = TypeVar("T")

#: Messages that wait, for those before them or for Redis: more than a busy process has in a second.
MAX_WAITING = 4096
#: Seconds for the messages that still wait when the process ends.
CLOSE_SECONDS = 1.0


class Outbox(Generic[T]):
    """Sends one message after another, in order. ``close`` it at the end."""

    def __init__(self, breaker: Breaker, send: Callable[[T], Awaitable[object]]) -> None:
        """``send`` has a time limit of its own. A message for which it raises is lost."""
        self._breaker = breaker
        self._send = send
        self._waiting: deque[T] = deque(maxlen=MAX_WAITING)
        self._sending: asyncio.Task[None] | None = None

    def put(self, message: T) -> None:
        """Send a message as soon as Redis answers. If ``MAX_WAITING`` wait already, the oldest one is lost."""
        self._waiting.append(message)
        if self._sending is None:
            self._sending = asyncio.create_task(self._send_all(), name="redis-outbox")

    async def close(self) -> None:
        """Send what waits, if that takes a moment only."""
        if self._sending:
            await asyncio.wait({self._sending}, timeout=CLOSE_SECONDS)
        if self._sending:
            self._sending.cancel()
            await asyncio.wait({self._sending})

    async def _send_all(self) -> None:
        try:
            while self._waiting:
                await self._breaker.until_closed()
                await self._send_one(self._waiting.popleft())
        finally:
            self._sending = None

    async def _send_one(self, message: T) -> None:
        try:
            await self._send(message)
        except BreakerOpen:
            pass  # the breaker has logged the reason
        except Exception as error:
            # Any error is caught: without this task, no later message would be sent.
            logger.warning("a message to Redis was lost: %s", in_one_line(error))
