"""The stores of token buckets under the contract's tests."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

from storage.redis.valkey import EmbeddedValkey
from storage.token_buckets import BucketStore, LocalBuckets, RedisBuckets


@asynccontextmanager
async def redis_backend(folder: Path) -> AsyncIterator[BucketStore]:
    valkey = EmbeddedValkey(folder)
    await valkey.start()
    buckets = RedisBuckets(valkey.url, 60)
    await buckets.start()
    yield buckets
    await buckets.close()
    await valkey.stop(0)


@asynccontextmanager
async def local_backend(_: Path) -> AsyncIterator[BucketStore]:
    yield LocalBuckets()


BACKENDS: list[Callable[[Path], AbstractAsyncContextManager[BucketStore]]] = [redis_backend, local_backend]
