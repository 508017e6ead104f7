"""Whether CloudKeep can do its work right now."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from storage.blobs import BlobStore
from storage.database import ping_database
from storage.presence import Presence

logger = logging.getLogger("cloudkeep.health")

CHECK_SECONDS = 2.0


class Health:
    """Asks every part that the work depends on."""

    def __init__(self, store: BlobStore, presence: Presence) -> None:
        self._checks: dict[str, Callable[[], Awaitable[Any]]] = {
            "database": ping_database,
            "redis": presence.ping,
            "blobs": store.check,
            "worker": lambda: _demand_worker(presence),
        }

    async def missing(self) -> list[str]:
        """Names of the parts that do not answer within ``CHECK_SECONDS``; empty when all is well."""
        answers = await asyncio.gather(*(self._answers(name) for name in self._checks))
        return [name for name, answer in zip(self._checks, answers, strict=True) if not answer]

    async def _answers(self, name: str) -> bool:
        try:
            async with asyncio.timeout(CHECK_SECONDS):
                await self._checks[name]()
        except Exception as error:
            logger.debug("%s is not ready: %s", name, type(error).__name__)
            return False
        return True


async def _demand_worker(presence: Presence) -> None:
    if not await presence.anybody():
        raise LookupError("no worker is alive")
