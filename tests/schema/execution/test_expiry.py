"""Subscriptions end when the access token expires or the session ends."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import datetime, timedelta

import pytest

from schema.execution.expiry import Expiry
from services.accounts.errors import Unauthenticated
from services.core.clock import now


async def numbers(count: int) -> AsyncGenerator[int, None]:
    for number in range(count):
        yield number


async def silence(closed: asyncio.Event) -> AsyncGenerator[int, None]:
    try:
        await asyncio.Event().wait()
        yield 0
    finally:
        closed.set()


@pytest.mark.parametrize("expires_at", [None, now() + timedelta(days=1)])
async def test_results_pass_until_there_are_no_more(expires_at: datetime | None) -> None:
    assert [number async for number in Expiry(expires_at).limit(numbers(3))] == [0, 1, 2]


async def test_a_silent_subscription_ends_when_the_token_expires() -> None:
    closed = asyncio.Event()
    with pytest.raises(Unauthenticated):
        await anext(Expiry(now() + timedelta(seconds=0.1)).limit(silence(closed)))
    assert closed.is_set()


async def test_a_timeout_of_the_subscription_itself_is_not_taken_for_an_expired_token() -> None:
    async def failing() -> AsyncGenerator[int, None]:
        raise TimeoutError
        yield 0

    with pytest.raises(TimeoutError):
        await anext(Expiry(now() + timedelta(days=1)).limit(failing()))


async def test_a_silent_subscription_ends_with_its_session() -> None:
    closed, expiry = asyncio.Event(), Expiry()
    waiting = asyncio.ensure_future(anext(expiry.limit(silence(closed))))
    await asyncio.sleep(0)
    expiry.end()
    with pytest.raises(Unauthenticated, match="session has ended"):
        await waiting
    assert closed.is_set()


async def test_a_subscription_that_always_has_a_result_ends_with_its_session() -> None:
    expiry = Expiry()
    results = expiry.limit(numbers(1_000))
    assert await anext(results) == 0
    expiry.end()
    expiry.end()
    with pytest.raises(Unauthenticated, match="session has ended"):
        await anext(results)
