"""Tasks that run every few seconds or hours while a worker runs."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

logger = logging.getLogger("cloudkeep.worker")


class PeriodicTask:
    """Calls a function periodically.

    A failure does not end it. It is logged when it differs from the last one, and when it is over.
    """

    def __init__(self, seconds: float, work: Callable[[], Awaitable[None]]) -> None:
        self._seconds = seconds
        self._work = work
        self._name = work.__name__.strip("_")
        self._failure: str | None = None

    async def run(self) -> None:
        """Call the function, pause, and repeat until cancelled."""
        while True:
            await self.run_once()
            await asyncio.sleep(self._seconds)

    async def run_once(self) -> None:
        """Call the function once. Raises nothing."""
        try:
            await self._work()
        except Exception as error:
            if self._failure != str(error):
                logger.warning("%s failed, retrying: %s", self._name, error)
            self._failure = str(error)
        else:
            if self._failure is not None:
                logger.warning("%s works again", self._name)
            self._failure = None
