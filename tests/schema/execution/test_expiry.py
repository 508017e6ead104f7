"""Subscriptions end when the access token expires."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import datetime, timedelta

import pytest

from schema.execution.expiry import until_expiry
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
    assert [number async for number in until_expiry(numbers(3), expires_at)] == [0, 1, 2]


async def test_a_silent_subscription_ends_when_the_token_expires() -> None:
    closed = asyncio.Event()
    with pytest.raises(Unauthenticated):
        await anext(until_expiry(silence(closed), now() + timedelta(seconds=0.1)))
    assert closed.is_set()


async def test_a_timeout_of_the_subscription_itself_is_not_taken_for_an_expired_token() -> None:
    async def failing() -> AsyncGenerator[int, None]:
        raise TimeoutError
        yield 0

    with pytest.raises(TimeoutError):
        await anext(until_expiry(failing(), now() + timedelta(days=1)))
