"""A circuit breaker for Redis: while it does not answer, calls fail at once instead of waiting for it.

Redis holds nothing that must not be lost, so every caller continues without it. But a server that accepts connections
and answers nothing would make each of them wait for the timeout. Here only the calls that are under way wait. The
first one that fails opens the breaker, and a background task closes it once Redis answers again.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from redis.asyncio import ConnectionPool, Redis
from redis.exceptions import ConnectionError as NotConnected
from redis.exceptions import ResponseError

from storage.errors import in_one_line
from storage.redis.connection import MAX_CONNECTIONS, RedisUnavailable, in_time

logger = logging.getLogger("cloudkeep.redis")

#: Seconds between two pings while Redis is away.
RETRY_SECONDS = 0.5
#: Calls at once: each takes a connection of the pool. The rest is for a ping, and for calls without a breaker.
MAX_CALLS = MAX_CONNECTIONS - 5


class BreakerOpen(NotConnected):
    """Redis did not answer a moment ago, so it was not called. One of ``RedisUnavailable``."""


class Breaker:
    """The breaker of one connection pool. ``close`` it before the pool."""

    def __init__(self, pool: ConnectionPool, name: str, call_seconds: float | None = None) -> None:
        """``name`` is for the log. A call may take ``call_seconds``, or ``CALL_SECONDS``."""
        self._pool = pool
        self._name = name
        self._call_seconds = call_seconds
        self._probing: asyncio.Task[None] | None = None
        self._closed = asyncio.Event()
        self._closed.set()
        self._turns = asyncio.Semaphore(MAX_CALLS)
        #: Calls that failed or were not answered in time, and calls that were skipped while the breaker was open.
        self.failures = 0
        self.skips = 0

    @property
    def is_open(self) -> bool:
        """Whether calls are skipped, because Redis did not answer."""
        return not self._closed.is_set()

    async def until_closed(self) -> None:
        """Wait until Redis answers, perhaps for long."""
        await self._closed.wait()

    @asynccontextmanager
    async def call(self, blocking: float = 0.0) -> AsyncIterator[None]:
        """Limit the time of the calls in the block, or skip them.

        ``blocking`` is the time in seconds for which Redis itself may delay the reply. Raises one of
        ``RedisUnavailable``: :class:`BreakerOpen` at once while the breaker is open, ``TimeoutError`` when Redis does
        not answer, or when no connection is free for as long. Only the former opens the breaker.
        """
        await self._take_turn()
        try:
            async with in_time(self._call_seconds, blocking):
                yield
        except RedisUnavailable as error:
            self.trip(error)
            raise
        finally:
            self._turns.release()

    def trip(self, error: BaseException) -> None:
        """Open the breaker because of this error, unless it is an answer of Redis."""
        if isinstance(error, ResponseError):
            return
        self.failures += 1
        if not self.is_open:
            self._closed.clear()
            logger.warning("%s unavailable, continuing without it: %s", self._name, in_one_line(error))
            self._probing = asyncio.create_task(self._probe(), name="redis-probe")

    async def close(self) -> None:
        """Stop the background task, if there is one."""
        if self._probing:
            self._probing.cancel()
            await asyncio.wait({self._probing})

    async def _take_turn(self) -> None:
        self._require_closed()
        if not self._turns.locked():
            await self._turns.acquire()
            return
        async with in_time(self._call_seconds):
            await self._turns.acquire()
        try:
            self._require_closed()
        except BreakerOpen:
            self._turns.release()
            raise

    def _require_closed(self) -> None:
        if self.is_open:
            self.skips += 1
            raise BreakerOpen(f"{self._name} is away")

    async def _probe(self) -> None:
        while self.is_open:
            await asyncio.sleep(RETRY_SECONDS)
            # Any error is retried: without this task, the breaker would stay open.
            with suppress(Exception):
                async with in_time(self._call_seconds):
                    # The idle connections may be as dead as the one that failed.
                    await self._pool.disconnect(inuse_connections=False)
                    await Redis(connection_pool=self._pool).ping()
                self._closed.set()
        logger.warning("%s is back", self._name)


class GuardedRedis(Redis):
    """A client of redis-py with the breaker that its callers share."""

    breaker: Breaker


def breaker_of(redis: Redis) -> Breaker:
    """The breaker of a client that :func:`storage.redis.client.connect_redis` returned."""
    assert isinstance(redis, GuardedRedis)
    return redis.breaker
