"""Subscription leases of several processes, with the real Redis and the real database."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from uuid import UUID, uuid4

import pytest
from redis.asyncio import Redis

from services.budgets.errors import TooManySubscriptions
from services.budgets.limit_overrides import LimitOverrides
from services.budgets.limits import Payer
from services.budgets.subscription_leases import SubscriptionLeases, SubscriptionLimits
from services.core.clock import now
from storage.budgets import limit_overrides
from storage.budgets.models import GrantKind
from storage.budgets.subscription_leases import KEY, SubscriptionLeaseStore
from storage.redis.client import close_redis, connect_redis
from storage.redis.valkey import EmbeddedValkey
from tests.support.waiting import eventually

LIMITS = SubscriptionLimits(account=3, address=2)
ADA = Payer("192.0.2.1", uuid4())
ANONYMOUS = Payer("192.0.2.1")


@asynccontextmanager
async def process(redis_url: str, lease: float = 60.0) -> AsyncIterator[SubscriptionLeases]:
    """The leases of one more process."""
    redis = connect_redis(redis_url)
    leases = SubscriptionLeases(SubscriptionLeaseStore(redis, lease), LimitOverrides(), LIMITS)
    await leases.start()
    yield leases
    await leases.close()
    await close_redis(redis)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.budgets.subscription_leases.RETRY_SECONDS", 0.02)


@pytest.fixture
async def leases(redis_url: str, database: str) -> AsyncIterator[SubscriptionLeases]:
    async with process(redis_url) as one:
        yield one


@pytest.fixture
async def open_for_long() -> AsyncIterator[AsyncExitStack]:
    """Keeps subscriptions open until the test ends."""
    async with AsyncExitStack() as stack:
        yield stack


Open = Callable[[Payer, int], Awaitable[int]]


async def opened(stack: AsyncExitStack, leases: SubscriptionLeases, payer: Payer, count: int) -> int:
    """Open ``count`` subscriptions at the same time. Returns how many were admitted."""

    async def one() -> bool:
        try:
            await stack.enter_async_context(leases.acquire(payer))
        except TooManySubscriptions:
            return False
        return True

    return sum(await asyncio.gather(*(one() for _ in range(count))))


def one_more(leases: SubscriptionLeases, payer: Payer) -> Callable[[], Awaitable[bool]]:
    """Whether one more subscription is admitted."""

    async def look() -> bool:
        async with AsyncExitStack() as stack:
            return await opened(stack, leases, payer, 1) == 1

    return look


async def test_an_account_has_as_many_as_the_settings_say(
    leases: SubscriptionLeases, open_for_long: AsyncExitStack
) -> None:
    assert await opened(open_for_long, leases, ADA, 10) == LIMITS.account
    assert await opened(open_for_long, leases, Payer("192.0.2.9", ADA.account_id), 1) == 0
    assert await opened(open_for_long, leases, Payer("192.0.2.1", uuid4()), 1) == 1


async def test_who_is_not_signed_in_shares_those_of_the_address(
    leases: SubscriptionLeases, open_for_long: AsyncExitStack
) -> None:
    assert await opened(open_for_long, leases, ANONYMOUS, 10) == LIMITS.address
    assert await opened(open_for_long, leases, ADA, 1) == 1
    assert await opened(open_for_long, leases, Payer("192.0.2.2"), 1) == 1


async def test_a_network_of_ipv6_is_one_address(leases: SubscriptionLeases, open_for_long: AsyncExitStack) -> None:
    neighbours = [Payer(f"2001:db8::{number}") for number in range(5)]
    assert sum([await opened(open_for_long, leases, payer, 1) for payer in neighbours]) == LIMITS.address


async def test_an_account_has_as_many_as_it_was_granted(
    leases: SubscriptionLeases, ada: UUID, bob: UUID, open_for_long: AsyncExitStack
) -> None:
    await limit_overrides.change(ada, {GrantKind.SUBSCRIPTIONS: (5, None)}, now())
    await limit_overrides.change(bob, {GrantKind.SUBSCRIPTIONS: (0, None)}, now())
    assert await opened(open_for_long, leases, Payer("192.0.2.1", ada), 10) == 5
    assert await opened(open_for_long, leases, Payer("192.0.2.1", bob), 10) == 0


async def test_the_refusal_says_how_many_there_are_and_when_to_try_again(
    leases: SubscriptionLeases, open_for_long: AsyncExitStack
) -> None:
    await opened(open_for_long, leases, ANONYMOUS, 2)
    with pytest.raises(
        TooManySubscriptions, match=r"^At most 2 subscriptions may be open at the same time\."
    ) as refused:
        await open_for_long.enter_async_context(leases.acquire(ANONYMOUS))
    assert refused.value.extensions == {"code": "TOO_MANY_SUBSCRIPTIONS", "retryAfter": 10.0}


async def test_a_seat_is_free_for_the_next_one_at_once(
    leases: SubscriptionLeases, open_for_long: AsyncExitStack
) -> None:
    await opened(open_for_long, leases, ADA, 2)
    for _ in range(20):
        async with leases.acquire(ADA):
            assert not await one_more(leases, ADA)()


async def test_all_processes_share_the_seats(
    leases: SubscriptionLeases, redis_url: str, open_for_long: AsyncExitStack
) -> None:
    async with process(redis_url) as other:
        await opened(open_for_long, leases, ADA, 1)
        async with AsyncExitStack() as stack:
            assert await opened(stack, other, ADA, 10) == 2
            assert await opened(open_for_long, leases, ADA, 1) == 0
        await eventually(one_more(leases, ADA))


async def test_a_subscription_that_is_cancelled_gives_its_seat_back(leases: SubscriptionLeases, redis_url: str) -> None:
    async def watch() -> None:
        async with leases.acquire(ADA):
            begun.release()
            await asyncio.Event().wait()

    begun = asyncio.Semaphore(0)
    tasks = [asyncio.create_task(watch()) for _ in range(LIMITS.account)]
    for _ in tasks:
        await begun.acquire()
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    async with process(redis_url) as other:
        await eventually(one_more(other, ADA))


async def test_one_that_is_cancelled_while_it_asks_leaves_nothing(
    leases: SubscriptionLeases, open_for_long: AsyncExitStack
) -> None:
    for steps in range(12):
        task = asyncio.create_task(opened(open_for_long, leases, ADA, 1))
        for _ in range(steps):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait({task})
    await open_for_long.aclose()

    async def all_are_free() -> bool:
        async with AsyncExitStack() as stack:
            return await opened(stack, leases, ADA, LIMITS.account) == LIMITS.account

    await eventually(all_are_free)


async def test_the_leases_of_open_subscriptions_are_renewed(
    redis_url: str, monkeypatch: pytest.MonkeyPatch, open_for_long: AsyncExitStack
) -> None:
    async def end_of_lease() -> float:
        (found,) = await redis.zrange(f"{KEY}account:{ADA.account_id}", 0, -1, withscores=True)
        return float(found[1])

    async def is_later() -> bool:
        return await end_of_lease() > before

    monkeypatch.setattr("services.budgets.subscription_leases.RENEW_SECONDS", 0.02)
    async with process(redis_url) as leases, Redis.from_url(redis_url, decode_responses=True) as redis:
        await opened(open_for_long, leases, ADA, 1)
        before = await end_of_lease()
        await eventually(is_later)


async def test_the_seats_of_a_process_that_was_killed_become_free(
    leases: SubscriptionLeases, redis_url: str, open_for_long: AsyncExitStack
) -> None:
    async with process(redis_url, lease=0.05) as killed:
        assert killed._keeper
        killed._keeper.cancel()
        await opened(open_for_long, killed, ADA, LIMITS.account)
        await eventually(one_more(leases, ADA))


async def test_a_process_that_ends_gives_back_its_seats(leases: SubscriptionLeases, redis_url: str) -> None:
    async with AsyncExitStack() as stack, process(redis_url) as other:
        await opened(stack, other, ADA, LIMITS.account)
        await other.close()
        assert await one_more(leases, ADA)()


async def test_without_redis_each_process_counts_its_own(
    leases: SubscriptionLeases, valkey: EmbeddedValkey, open_for_long: AsyncExitStack, caplog: pytest.LogCaptureFixture
) -> None:
    await opened(open_for_long, leases, ADA, 1)
    await valkey.stop()
    with caplog.at_level(logging.WARNING, "cloudkeep.seats"):
        assert await opened(open_for_long, leases, ADA, 10) == LIMITS.account - 1
        assert await opened(open_for_long, leases, ANONYMOUS, 10) == LIMITS.address
        for _ in range(3):
            assert not await one_more(leases, ADA)()
    assert len([record for record in caplog.records if record.name == "cloudkeep.seats"]) == 1


async def test_what_was_opened_without_redis_counts_when_it_is_back(
    leases: SubscriptionLeases, valkey: EmbeddedValkey, open_for_long: AsyncExitStack, caplog: pytest.LogCaptureFixture
) -> None:
    async def is_back() -> bool:
        return "over all processes again" in caplog.text

    with caplog.at_level(logging.WARNING, "cloudkeep.seats"):
        await valkey.stop()
        assert await opened(open_for_long, leases, ADA, LIMITS.account) == LIMITS.account
        await valkey.start()
        await eventually(is_back)
    async with process(valkey.url) as other:
        assert not await one_more(other, ADA)()


async def test_a_process_ends_although_redis_is_away(leases: SubscriptionLeases, valkey: EmbeddedValkey) -> None:
    async with leases.acquire(ADA):
        await valkey.stop()
        await leases.close()


async def test_subscriptions_of_one_payer_share_the_rate_of_their_frames(leases: SubscriptionLeases) -> None:
    async with leases.acquire(ADA) as first, leases.acquire(ADA) as second, leases.acquire(ANONYMOUS) as other:
        assert first is second
        assert first is not other
    assert leases._rates == {}


async def test_a_program_with_an_api_token_leaves_half_of_the_seats_to_its_owner(
    leases: SubscriptionLeases, open_for_long: AsyncExitStack
) -> None:
    program = Payer(ADA.address, ADA.account_id, uuid4())
    assert await opened(open_for_long, leases, program, 10) == LIMITS.account // 2
    assert await opened(open_for_long, leases, ADA, 10) == LIMITS.account - LIMITS.account // 2
