"""Which workers are alive."""

import time
from collections.abc import AsyncIterator
from types import SimpleNamespace

import pytest

from storage.presence import ALIVE_SECONDS, KEY, Presence
from storage.redis import RedisUnavailable, close_redis, connect_redis
from storage.valkey import EmbeddedValkey


@pytest.fixture
async def presence(redis_url: str) -> AsyncIterator[Presence]:
    redis = connect_redis(redis_url)
    yield Presence(redis)
    await close_redis(redis)


def let_pass(seconds: float, monkeypatch: pytest.MonkeyPatch) -> None:
    moment = time.time() + seconds
    monkeypatch.setattr("storage.presence.time", SimpleNamespace(time=lambda: moment))


async def test_nobody_is_there_at_first(presence: Presence) -> None:
    assert not await presence.anybody()


async def test_a_worker_that_spoke_is_alive(presence: Presence) -> None:
    await presence.announce("one")
    assert await presence.anybody()


async def test_a_worker_that_left_is_gone(presence: Presence) -> None:
    await presence.announce("one")
    await presence.announce("other")
    await presence.leave("one")
    assert await presence.anybody()
    await presence.leave("other")
    assert not await presence.anybody()


async def test_a_worker_that_fell_silent_is_dead(presence: Presence, monkeypatch: pytest.MonkeyPatch) -> None:
    await presence.announce("one")
    let_pass(ALIVE_SECONDS - 1, monkeypatch)
    assert await presence.anybody()
    let_pass(ALIVE_SECONDS + 1, monkeypatch)
    assert not await presence.anybody()


async def test_a_worker_that_speaks_again_is_alive(presence: Presence, monkeypatch: pytest.MonkeyPatch) -> None:
    await presence.announce("one")
    let_pass(ALIVE_SECONDS - 1, monkeypatch)
    await presence.announce("one")
    let_pass(ALIVE_SECONDS + 1, monkeypatch)
    assert await presence.anybody()


async def test_the_dead_are_forgotten(
    presence: Presence, valkey: EmbeddedValkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    await presence.announce("dead")
    let_pass(ALIVE_SECONDS + 1, monkeypatch)
    await presence.announce("alive")
    redis = connect_redis(valkey.url)
    assert await redis.zrange(KEY, 0, -1) == ["alive"]
    await close_redis(redis)


async def test_leaving_without_having_come_is_harmless(presence: Presence) -> None:
    await presence.leave("nobody")


async def test_a_redis_that_is_away_fails_the_ping_until_it_is_back(presence: Presence, valkey: EmbeddedValkey) -> None:
    await presence.ping()
    valkey.kill()
    await valkey.wait()
    with pytest.raises(RedisUnavailable):
        await presence.ping()
    await valkey.start()
    await presence.ping()
