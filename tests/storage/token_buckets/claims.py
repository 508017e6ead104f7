"""Claims on one bucket, and waiting for its level."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from storage.redis.valkey import EmbeddedValkey
from storage.token_buckets import Bucket, ClaimResult, RedisBuckets
from tests.support.waiting import eventually

#: Enough for a busy machine.
PATIENCE = 60.0
BUCKET = Bucket("{test}:bucket", 1_000, 0.0)


@asynccontextmanager
async def connected(valkey: EmbeddedValkey, call_seconds: float = PATIENCE) -> AsyncIterator[RedisBuckets]:
    buckets = RedisBuckets(valkey.url, call_seconds)
    await buckets.start()
    try:
        yield buckets
    finally:
        await buckets.close()


async def level(buckets: RedisBuckets) -> float:
    return (await buckets.take([(BUCKET, 0)])).levels[0]


async def wait_for_level(buckets: RedisBuckets, wanted: float) -> None:
    async def reached() -> bool:
        return await level(buckets) == wanted

    await eventually(reached)


def claim(buckets: RedisBuckets, cost: int) -> asyncio.Task[ClaimResult]:
    return asyncio.create_task(buckets.take([(BUCKET, cost)]))


async def under_way() -> None:
    """Let started calls be sent."""
    for _ in range(5):
        await asyncio.sleep(0)
