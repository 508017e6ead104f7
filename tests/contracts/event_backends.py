"""The event logs under the contract's tests, with their faults."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from storage.progress_stream import EventLog, RedisEventLog
from storage.redis.client import close_redis, connect_redis
from storage.redis.valkey import EmbeddedValkey
from tests.support.waiting import eventually


@dataclass(frozen=True)
class LogBackend:
    """The same log in two processes, and an outage of its server."""

    log: EventLog
    other: EventLog
    crash: Callable[[], Awaitable[None]]
    recover: Callable[[], Awaitable[None]]


@asynccontextmanager
async def running(url: str) -> AsyncIterator[RedisEventLog]:
    redis = connect_redis(url)
    log = RedisEventLog(redis)
    await log.start()
    yield log
    await log.close()
    await close_redis(redis)


@asynccontextmanager
async def redis_backend(folder: Path) -> AsyncIterator[LogBackend]:
    valkey = EmbeddedValkey(folder)
    await valkey.start()

    async def crash() -> None:
        valkey.kill()
        await valkey.wait()

    async with running(valkey.url) as log, running(valkey.url) as other:

        async def is_back() -> bool:
            return not log.breaker.is_open and not other.breaker.is_open

        async def recover() -> None:
            await valkey.start()
            await eventually(is_back)

        yield LogBackend(log, other, crash, recover)
    await valkey.stop()


BACKENDS: list[Callable[[Path], AbstractAsyncContextManager[LogBackend]]] = [redis_backend]
