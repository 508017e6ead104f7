"""Guesses at a password while Redis counts them, and when it dies."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from services.accounts.sign_in.sign_in_delays import FREE_OF_CLIENT
from storage.attempt_delays import RedisDelays
from storage.redis.client import close_redis, connect_redis
from storage.redis.valkey import EmbeddedValkey
from tests.services.accounts.conftest import EMAIL, World
from tests.services.accounts.guesses import ATTACKER, OWNER, outcome
from tests.support.backends.smtp_sink import SmtpSink
from tests.support.server import PASSWORD

pytestmark = pytest.mark.usefixtures("long_delays")


@pytest.fixture
async def valkey(tmp_path: Path) -> AsyncIterator[EmbeddedValkey]:
    server = EmbeddedValkey(tmp_path)
    await server.start()
    yield server
    await server.stop(0)


@pytest.fixture
async def redis(world: World, valkey: EmbeddedValkey) -> AsyncIterator[Redis]:
    """A Redis of which the services of the world make use."""
    client = connect_redis(valkey.url, 60)
    world.shared_delays = RedisDelays(client)
    yield client
    await close_redis(client)


async def test_while_redis_is_away_each_process_counts_by_itself(
    world: World, sink: SmtpSink, valkey: EmbeddedValkey, redis: Redis, verified: list[str]
) -> None:
    """Also when Redis dies in the middle of many guesses."""
    processes = [world.accounts() for _ in range(3)]
    await processes[0].join(sink)
    guesses = [asyncio.create_task(outcome(process)) for _ in range(50) for process in processes]
    await guesses[0]
    await valkey.stop(0)
    guesses += [asyncio.create_task(outcome(process)) for _ in range(50) for process in processes]
    assert set(await asyncio.gather(*guesses)) == {"wrong", "wait"}
    assert len(verified) <= (1 + len(processes)) * FREE_OF_CLIENT
    assert await outcome(processes[0], client=OWNER, password=PASSWORD) == "in"


async def test_names_and_addresses_are_not_readable_in_redis(world: World, sink: SmtpSink, redis: Redis) -> None:
    await world.accounts().join(sink)
    for name in ("ada", EMAIL):
        await outcome(world.accounts(), name)
    keys = await redis.keys("*")
    assert len(keys) == 4
    assert not any(text in key for key in keys for text in ("ada", "example", ATTACKER.address))
