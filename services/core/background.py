"""Work that goes on after the response, so that the time of the response does not depend on it."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

logger = logging.getLogger("cloudkeep.background")

#: Seconds before the work begins. The response has been sent by then.
PAUSE = 0.05
#: Pieces of work that are not done yet. Each is a few queries.
LIMIT = 256
#: Seconds for the pieces that are not done when the process stops. It has 7.5 seconds for everything.
CLOSE_SECONDS = 1.0


class BackgroundFull(Exception):
    """Too many pieces of work are not done yet."""


class BackgroundWork:
    """Runs pieces of work that must not delay a response. What is not done when the process ends is lost."""

    def __init__(self, limit: int = LIMIT, pause: float = PAUSE) -> None:
        self._limit = limit
        self._pause = pause
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, work: Callable[[], Awaitable[None]]) -> None:
        """Run ``work`` soon. Its errors are logged. Raises :class:`BackgroundFull`."""
        if len(self._tasks) >= self._limit:
            raise BackgroundFull
        task = asyncio.create_task(self._run(work), name="background work")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Wait for the work for a moment, and cancel what is not done then."""
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=CLOSE_SECONDS)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _run(self, work: Callable[[], Awaitable[None]]) -> None:
        await asyncio.sleep(self._pause)
        try:
            await work()
        except Exception:
            # Nothing awaits this task that could log the error.
            logger.exception("work after a response failed")
