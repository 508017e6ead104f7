"""Hints that there may be work, carried by taskiq over a Redis stream.

A hint may be lost, doubled or late: the job row is the truth, and workers look for rows by themselves every few
seconds. That is why a hint is acknowledged at once and why failing to send one fails nothing.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import aclosing
from typing import Any

from redis.asyncio import Redis
from taskiq import AckableMessage, AsyncTaskiqDecoratedTask
from taskiq.utils import maybe_awaitable
from taskiq_redis import RedisStreamBroker

from storage.errors import in_one_line
from storage.redis.connection import NO_SOCKET_TIMEOUT, RedisUnavailable, in_time, pool_options

logger = logging.getLogger("cloudkeep.hints")

Hint = AsyncTaskiqDecoratedTask[[str], Coroutine[Any, Any, None]]

QUEUE = "cloudkeep:hints"
QUEUE_LENGTH = 1_000
RETRY_SECONDS = 1
#: Of a host that vanished nothing is heard, not even that it has: who has heard nothing for so long asks anew, at the
#: cost of a connection.
SILENCE_SECONDS = 30.0
GROUP = "workers"
#: A listener asks every two seconds, so that one who has not for so long is gone for good. Redis would remember it.
GONE_MS = 60 * 60 * 1000


class JobNotifications:
    """Sends hints from the API and hears them in a worker, which has a name that no other one has."""

    def __init__(self, url: str, listener: str | None = None) -> None:
        place, options = pool_options(url)
        self._broker = RedisStreamBroker(
            place,
            queue_name=QUEUE,
            consumer_group_name=GROUP,
            consumer_name=listener,
            maxlen=QUEUE_LENGTH,
            unacknowledged_lock_timeout=10,
            **NO_SOCKET_TIMEOUT,
            **options,
        )
        self._hint: Hint = self._broker.register_task(_work, task_name="work")

    async def start(self) -> None:
        """Connect; the consumer group is made when it is missing. Where Redis is away, that is for later."""
        try:
            async with in_time():
                await self._broker.startup()
        except RedisUnavailable as error:
            logger.warning("job hints unavailable at the start: %s", in_one_line(error))

    async def close(self) -> None:
        """Disconnect."""
        await self._broker.shutdown()

    async def send(self, kind: str) -> None:
        """Tell some worker that there is work of this kind."""
        try:
            async with in_time():
                await self._hint.kiq(kind)
        except Exception as error:
            logger.warning("hint for %s not sent: %s", kind, in_one_line(error))

    async def listen(self, on_hint: Callable[[], None]) -> None:
        """Call ``on_hint`` for every hint, for ever, however often Redis goes away meanwhile."""
        away = False
        while True:
            try:
                async with in_time():
                    await self._broker.startup()
                await self._forget_the_gone()
                if away:
                    logger.warning("job hints are back")
                away = False
                await self._hear(on_hint)
            except RedisUnavailable as error:
                if not away:
                    logger.warning("job hints unavailable, trying again and again: %s", in_one_line(error))
                away = True
                await asyncio.sleep(RETRY_SECONDS)

    async def _hear(self, on_hint: Callable[[], None]) -> None:
        """Call ``on_hint`` for every hint until there is silence."""
        async with aclosing(self._broker.listen()) as messages:
            while message := await _next(messages):
                async with in_time():
                    await maybe_awaitable(message.ack())
                on_hint()

    async def _forget_the_gone(self) -> None:
        async with in_time(), Redis(connection_pool=self._broker.connection_pool) as redis:
            for consumer in await redis.xinfo_consumers(QUEUE, GROUP):
                if consumer["idle"] > GONE_MS:
                    await redis.xgroup_delconsumer(QUEUE, GROUP, consumer["name"])


async def _work(kind: str) -> None:
    """What a hint names. Workers never run it: they look for job rows when they hear it."""


async def _next(messages: AsyncGenerator[AckableMessage, None]) -> AckableMessage | None:
    try:
        async with asyncio.timeout(SILENCE_SECONDS):
            return await anext(messages)
    except TimeoutError:
        return None
