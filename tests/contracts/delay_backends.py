"""The stores of delays under the contract's tests."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

from storage.attempt_delays import AttemptDelays, LocalDelays, RedisDelays
from storage.redis.client import close_redis, connect_redis
from storage.redis.valkey import EmbeddedValkey


@asynccontextmanager
async def redis_backend(folder: Path) -> AsyncIterator[AttemptDelays]:
    valkey = EmbeddedValkey(folder)
    await valkey.start()
    redis = connect_redis(valkey.url, 60)
    yield RedisDelays(redis)
    await close_redis(redis)
    await valkey.stop(0)


@asynccontextmanager
async def local_backend(_: Path) -> AsyncIterator[AttemptDelays]:
    yield LocalDelays()


BACKENDS: list[Callable[[Path], AbstractAsyncContextManager[AttemptDelays]]] = [redis_backend, local_backend]
