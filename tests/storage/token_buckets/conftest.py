"""Token buckets in a Valkey for one test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from storage.redis.client import close_redis, connect_redis
from storage.redis.valkey import EmbeddedValkey
from storage.token_buckets import RedisBuckets
from tests.storage.token_buckets.claims import connected


@pytest.fixture
async def valkey(tmp_path: Path) -> AsyncIterator[EmbeddedValkey]:
    """A Valkey that ends at once with the test."""
    server = EmbeddedValkey(tmp_path)
    await server.start()
    yield server
    await server.stop(0)


@pytest.fixture
async def buckets(valkey: EmbeddedValkey, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[RedisBuckets]:
    monkeypatch.setattr("storage.token_buckets.redis.RETRY_SECONDS", 0.05)
    async with connected(valkey) as opened:
        yield opened


@pytest.fixture
async def redis(valkey: EmbeddedValkey) -> AsyncIterator[Redis]:
    client = connect_redis(valkey.url)
    yield client
    await close_redis(client)
