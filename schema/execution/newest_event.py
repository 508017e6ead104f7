"""The events of a subscription, of which a newer one replaces one that waits."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from typing import Any


class DeferredEvent(ABC):
    """An event that its source chooses as late as possible, so that none has to be replaced.

    The source must not yield the next one before this one was taken.
    """

    @abstractmethod
    def take(self) -> Any:
        """The event. It is called once, when the frame is paid."""


class NewestEvent:
    """Reads the events of a source. ``close`` at the end.

    The source is read one event at a time. Only while an event waits does a task read further, so that an idle
    subscription has no task of its own.
    """

    def __init__(self, source: AsyncIterator[Any]) -> None:
        self._source = source
        self._pending: asyncio.Task[Any] | None = None

    async def next(self) -> Any:
        """The next event. Raises :class:`StopAsyncIteration` after the last one."""
        if self._pending is None:
            return await anext(self._source)
        await asyncio.wait({self._pending})
        return self._take()

    async def wait(self, event: Any, seconds: float) -> Any:
        """Wait, and return the newest event until then: ``event`` itself, if there is no other."""
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while (left := end - loop.time()) > 0:
            self._pending = self._pending or asyncio.create_task(self._read())
            done, _ = await asyncio.wait({self._pending}, timeout=left)
            if done and isinstance(self._pending.exception(), StopAsyncIteration):
                # It was the last event: wait for the rest of the time. `next` raises the exception.
                await asyncio.sleep(end - loop.time())
            elif done:
                event = self._take()
        return event

    async def close(self) -> None:
        """Stop reading ahead."""
        if self._pending:
            self._pending.cancel()
            await asyncio.wait({self._pending})

    async def _read(self) -> Any:
        return await anext(self._source)

    def _take(self) -> Any:
        assert self._pending
        event, self._pending = self._pending, None
        return event.result()
