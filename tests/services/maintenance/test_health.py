"""The checks of readiness."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.maintenance import health
from services.maintenance.health import Health
from storage.blobs import LocalBlobStore
from storage.jobs.worker_heartbeat import WorkerHeartbeats
from storage.redis.client import close_redis, connect_redis
from storage.redis.valkey import EmbeddedValkey


@pytest.fixture
async def heartbeats(redis_url: str) -> AsyncIterator[WorkerHeartbeats]:
    redis = connect_redis(redis_url)
    yield WorkerHeartbeats(redis)
    await close_redis(redis)


async def test_nothing_is_away_when_all_is_there(
    database: str, store: LocalBlobStore, heartbeats: WorkerHeartbeats
) -> None:
    await heartbeats.announce("worker")
    assert await Health(store, heartbeats).condition() == ([], [])


async def test_a_worker_that_left_is_away(database: str, store: LocalBlobStore, heartbeats: WorkerHeartbeats) -> None:
    await heartbeats.announce("worker")
    await heartbeats.leave("worker")
    assert await Health(store, heartbeats).condition() == ([], ["worker"])


async def test_everything_that_is_away_is_named(
    database: str, store: LocalBlobStore, heartbeats: WorkerHeartbeats, valkey: EmbeddedValkey, tmp_path: Path
) -> None:
    await valkey.stop()
    await asyncio.to_thread(shutil.rmtree, tmp_path / "blobs")
    assert await Health(store, heartbeats).condition() == (["blobs"], ["redis", "worker"])


async def test_a_part_that_never_answers_is_away(
    database: str,
    store: LocalBlobStore,
    heartbeats: WorkerHeartbeats,
    valkey: EmbeddedValkey,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(health, "CHECK_SECONDS", 0.2)
    await heartbeats.announce("worker")
    redis = connect_redis(valkey.url)
    await redis.client_pause(10_000)
    assert await Health(store, heartbeats).condition() == ([], ["redis", "worker"])
    await close_redis(redis)
