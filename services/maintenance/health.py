"""Checks whether CloudKeep can do its work."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from storage.blobs import BlobStore
from storage.database.connection import ping_database
from storage.jobs.worker_heartbeat import WorkerHeartbeats

logger = logging.getLogger("cloudkeep.health")

CHECK_SECONDS = 2.0
#: A request fails without these. It works without the others: budgets have a policy for that, and jobs wait for a
#: worker. All processes of a cluster miss the others at the same moment, so a load balancer must not remove processes
#: because of them.
REQUIRED = frozenset({"database", "blobs"})


class Condition(NamedTuple):
    """The names of parts that are away: ``missing`` if requests need them, ``degraded`` otherwise."""

    missing: list[str]
    degraded: list[str]


class Health:
    """Checks every part that the work depends on."""

    def __init__(self, store: BlobStore, heartbeats: WorkerHeartbeats) -> None:
        self._checks: dict[str, Callable[[], Awaitable[Any]]] = {
            "database": ping_database,
            "redis": heartbeats.ping,
            "blobs": store.check,
            "worker": lambda: _require_worker(heartbeats),
        }

    async def condition(self) -> Condition:
        """The parts that do not answer within ``CHECK_SECONDS``."""
        results = await asyncio.gather(*(self._passes(name) for name in self._checks))
        away = [name for name, passes in zip(self._checks, results, strict=True) if not passes]
        return Condition([name for name in away if name in REQUIRED], [name for name in away if name not in REQUIRED])

    async def _passes(self, name: str) -> bool:
        try:
            async with asyncio.timeout(CHECK_SECONDS):
                await self._checks[name]()
        except Exception as error:
            logger.debug("%s is not ready: %s", name, type(error).__name__)
            return False
        return True


async def _require_worker(heartbeats: WorkerHeartbeats) -> None:
    if not await heartbeats.any_alive():
        raise LookupError("no worker is alive")
