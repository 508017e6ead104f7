"""Delays of attempts in Redis 7 or newer, or Valkey, for all processes together."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from redis.asyncio import Redis

from storage.attempt_delays.base import WAITING_SECONDS, Counter, DelaysOverloaded, DelaysUnavailable
from storage.redis.breaker import breaker_of
from storage.redis.connection import RedisUnavailable

FOLDER = Path(__file__).parent


class RedisDelays:
    """A :class:`storage.attempt_delays.base.AttemptDelays`. Keys expire, so only recent failures take memory."""

    def __init__(self, redis: Redis) -> None:
        self._breaker = breaker_of(redis)
        self._begin = redis.register_script((FOLDER / "begin.lua").read_text())
        self._finish = redis.register_script((FOLDER / "finish.lua").read_text())

    async def begin(self, client: Counter, total: Counter | None = None) -> float:
        """See :class:`storage.attempt_delays.base.AttemptDelays`."""
        counters = _present(client, total)
        limits = [
            limit
            for rule in (counter.rule for counter in counters)
            for limit in (rule.free, rule.first, rule.longest, rule.memory_of_few, rule.memory)
        ]
        async with self._calling():
            return float(await self._begin(_keys(counters), [*limits, WAITING_SECONDS]))

    async def succeed(self, client: Counter, total: Counter | None = None) -> None:
        """See :class:`storage.attempt_delays.base.AttemptDelays`."""
        async with self._calling():
            await self._finish(_keys(_present(client, total)), [1])

    async def take_back(self, client: Counter, total: Counter | None = None) -> None:
        """See :class:`storage.attempt_delays.base.AttemptDelays`."""
        async with self._calling():
            await self._finish(_keys(_present(client, total)), [0])

    @asynccontextmanager
    async def _calling(self) -> AsyncIterator[None]:
        try:
            async with self._breaker.call():
                yield
        except RedisUnavailable as error:
            # The breaker opens if Redis did not answer in time. While it is closed, this call had no turn.
            if isinstance(error, TimeoutError) and not self._breaker.is_open:
                raise DelaysOverloaded from error
            raise DelaysUnavailable from error


def _present(client: Counter, total: Counter | None) -> Sequence[Counter]:
    return (client, total) if total else (client,)


def _keys(counters: Sequence[Counter]) -> list[str]:
    return [counter.key for counter in counters]
