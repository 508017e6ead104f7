"""Notifications that a job may be due, carried by taskiq over a Redis stream.

A notification may be lost, duplicated or late: the job row is the source of truth, and workers query rows every few
seconds. So a notification is acknowledged at once, no caller waits for one to be sent, and a failure is only logged.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import aclosing
from typing import Any

from redis.asyncio import Redis
from taskiq import AckableMessage, AsyncTaskiqDecoratedTask
from taskiq.exceptions import SendTaskError
from taskiq.utils import maybe_awaitable
from taskiq_redis import RedisStreamBroker

from storage.errors import in_one_line
from storage.redis.breaker import Breaker
from storage.redis.connection import NO_SOCKET_TIMEOUT, RedisUnavailable, in_time, pool_options
from storage.redis.outbox import Outbox

logger = logging.getLogger("cloudkeep.hints")

NotificationTask = AsyncTaskiqDecoratedTask[[str], Coroutine[Any, Any, None]]

#: The stream's name in Redis, which processes of several releases share during a rolling restart.
QUEUE = "cloudkeep:hints"
QUEUE_LENGTH = 1_000
RETRY_SECONDS = 1
#: A host that vanishes does not close its connections: after this long without a message, the listener reconnects.
SILENCE_SECONDS = 30.0
GROUP = "workers"
#: A listener reads every two seconds. One that has not read for this long is dead, and Redis would keep it without end.
DEAD_CONSUMER_MS = 60 * 60 * 1000


class JobNotifications:
    """Sends notifications from the API, and receives them in a worker."""

    def __init__(self, url: str, listener: str | None = None, call_seconds: float | None = None) -> None:
        """``listener`` is the worker's unique name. Redis has ``call_seconds`` to accept a notification."""
        server, options = pool_options(url)
        self._broker = RedisStreamBroker(
            server,
            queue_name=QUEUE,
            consumer_group_name=GROUP,
            consumer_name=listener,
            maxlen=QUEUE_LENGTH,
            unacknowledged_lock_timeout=10,
            **NO_SOCKET_TIMEOUT,
            **options,
        )
        self._task: NotificationTask = self._broker.register_task(_work, task_name="work")
        self._breaker = Breaker(self._broker.connection_pool, "Redis for job notifications", call_seconds)
        self._outbox = Outbox(self._breaker, self._send)

    async def start(self) -> None:
        """Connect, and create the consumer group if it is missing. While Redis is away, ``listen`` does this later."""
        try:
            async with self._breaker.call():
                await self._broker.startup()
        except RedisUnavailable as error:
            logger.warning("job notifications unavailable at the start: %s", in_one_line(error))

    async def close(self) -> None:
        """Disconnect. Pending notifications are sent first, if Redis answers."""
        await self._outbox.close()
        await self._breaker.close()
        await self._broker.shutdown()

    async def send(self, kind: str) -> None:
        """Notify some worker soon that a job of this kind may be due. Waits for nothing."""
        self._outbox.put(kind)

    async def _send(self, kind: str) -> None:
        async with self._breaker.call():
            try:
                await self._task.kiq(kind)
            except SendTaskError as error:
                # The broker wraps the errors of Redis.
                raise error.__cause__ or error from None

    async def listen(self, on_notification: Callable[[], None]) -> None:
        """Call ``on_notification`` for each notification until cancelled. Reconnects when Redis was away."""
        away = False
        while True:
            try:
                async with in_time():
                    await self._broker.startup()
                await self._remove_dead_consumers()
                if away:
                    logger.warning("job notifications are back")
                away = False
                await self._receive(on_notification)
            except RedisUnavailable as error:
                if not away:
                    logger.warning("job notifications unavailable, retrying: %s", in_one_line(error))
                away = True
                await asyncio.sleep(RETRY_SECONDS)

    async def _receive(self, on_notification: Callable[[], None]) -> None:
        """Call ``on_notification`` for each notification until ``SILENCE_SECONDS`` pass without one."""
        async with aclosing(self._broker.listen()) as messages:
            while message := await _next(messages):
                async with in_time():
                    await maybe_awaitable(message.ack())
                on_notification()

    async def _remove_dead_consumers(self) -> None:
        async with in_time(), Redis(connection_pool=self._broker.connection_pool) as redis:
            for consumer in await redis.xinfo_consumers(QUEUE, GROUP):
                if consumer["idle"] > DEAD_CONSUMER_MS:
                    await redis.xgroup_delconsumer(QUEUE, GROUP, consumer["name"])


async def _work(kind: str) -> None:
    """The task that a notification names. Workers never run it: they query job rows when they receive it."""


async def _next(messages: AsyncGenerator[AckableMessage, None]) -> AckableMessage | None:
    try:
        async with asyncio.timeout(SILENCE_SECONDS):
            return await anext(messages)
    except TimeoutError:
        return None
