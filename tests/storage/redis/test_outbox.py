"""Messages that are sent without a wait: in order, bounded, and without an end at the first failure."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from storage.redis.breaker import Breaker, breaker_of
from storage.redis.client import close_redis, connect_redis
from storage.redis.outbox import Outbox
from tests.support.waiting import eventually


@pytest.fixture
async def breaker(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Breaker]:
    monkeypatch.setattr("storage.redis.breaker.RETRY_SECONDS", 0.05)
    redis = connect_redis(redis_url)
    yield breaker_of(redis)
    await close_redis(redis)


async def test_messages_wait_while_redis_is_away(breaker: Breaker) -> None:
    sent: list[int] = []

    async def send(message: int) -> None:
        assert not breaker.is_open
        sent.append(message)

    async def all_sent() -> bool:
        return sent == [0, 1, 2]

    breaker.trip(TimeoutError())
    outbox = Outbox(breaker, send)
    for message in range(3):
        outbox.put(message)
    await eventually(all_sent)


async def test_messages_are_sent_one_after_another_in_order(breaker: Breaker) -> None:
    sent: list[int] = []

    async def send(message: int) -> None:
        await asyncio.sleep(0)
        sent.append(message)

    outbox = Outbox(breaker, send)
    for message in range(50):
        outbox.put(message)
    assert sent == []
    await outbox.close()
    assert sent == list(range(50))


async def test_of_too_many_messages_the_oldest_are_lost(breaker: Breaker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storage.redis.outbox.MAX_WAITING", 3)
    sent: list[int] = []

    async def send(message: int) -> None:
        sent.append(message)

    outbox = Outbox(breaker, send)
    for message in range(10):
        outbox.put(message)
    await outbox.close()
    assert sent == [7, 8, 9]


async def test_a_message_that_fails_is_lost_and_the_next_one_is_sent(breaker: Breaker) -> None:
    sent: list[int] = []

    async def send(message: int) -> None:
        if message == 1:
            raise LookupError
        sent.append(message)

    async def all_sent() -> bool:
        return sent == [0, 2, 3]

    outbox = Outbox(breaker, send)
    for message in range(3):
        outbox.put(message)
    await asyncio.sleep(0.01)
    outbox.put(3)
    await eventually(all_sent)
    await outbox.close()


async def test_closing_does_not_wait_for_a_message_that_hangs(
    breaker: Breaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.redis.outbox.CLOSE_SECONDS", 0.01)
    outbox: Outbox[int] = Outbox(breaker, lambda _: asyncio.Event().wait())
    outbox.put(1)
    await outbox.close()
