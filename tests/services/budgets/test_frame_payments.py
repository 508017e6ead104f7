"""Frames are paid from the budgets, light ones from points that were reserved in advance."""

import asyncio
from collections.abc import Iterator
from uuid import uuid4

import pytest

from services.budgets.budgets import Budgets, Limit, Limits, Payer
from services.budgets.errors import RateLimited
from services.budgets.frame_payments import ADVANCE, LIGHT, FramePayments
from storage.token_buckets import BucketsUnavailable, Claim, ClaimResult, LocalBuckets

CAPACITY = 200
#: Almost nothing is refilled during a test.
LIMIT = Limit(CAPACITY, 0.000_001)
ADA = Payer("192.0.2.1", uuid4())
ANONYMOUS = Payer("192.0.2.1")


class CountedBuckets(LocalBuckets):
    """Buckets that count the claims, and can be unavailable."""

    def __init__(self) -> None:
        super().__init__()
        self.claims = 0
        self.is_away = False

    async def take(self, claim: Claim) -> ClaimResult:
        self.claims += 1
        if self.is_away:
            raise BucketsUnavailable
        await asyncio.sleep(0)
        return await super().take(claim)


@pytest.fixture
def shared() -> CountedBuckets:
    return CountedBuckets()


@pytest.fixture
def budgets(shared: CountedBuckets) -> Budgets:
    return Budgets(Limits(None, None, LIMIT, LIMIT, None), shared, LocalBuckets())


@pytest.fixture
def payments(budgets: Budgets) -> FramePayments:
    return FramePayments(budgets)


@pytest.fixture
def opened(payments: FramePayments) -> Iterator[FramePayments]:
    """The payments while two payers have a subscription."""
    with payments.opened(ADA), payments.opened(ANONYMOUS):
        yield payments


async def left(budgets: Budgets, payer: Payer = ADA) -> int:
    (layer,) = await budgets.read_layers(payer)
    return layer.available


async def test_many_light_frames_need_one_reservation(opened: FramePayments, shared: CountedBuckets) -> None:
    for _ in range(ADVANCE + 1):
        await opened.pay(ADA, 1)
    assert shared.claims == 1


async def test_light_frames_at_the_same_time_share_a_reservation(
    opened: FramePayments, shared: CountedBuckets, budgets: Budgets
) -> None:
    await asyncio.gather(*(opened.pay(ADA, 1) for _ in range(ADVANCE + 1)))
    assert shared.claims == 1
    assert await left(budgets) == CAPACITY - ADVANCE - 1


async def test_a_heavy_frame_is_paid_by_itself(opened: FramePayments, budgets: Budgets) -> None:
    payment = await opened.pay(ADA, LIGHT + 1)
    assert await left(budgets) == CAPACITY - LIGHT - 1
    opened.refund(ADA, payment, 4)
    assert await left(budgets) == CAPACITY - LIGHT + 3


async def test_the_end_of_the_last_subscription_returns_what_no_frame_used(
    payments: FramePayments, budgets: Budgets
) -> None:
    with payments.opened(ADA):
        with payments.opened(ADA):
            payment = await payments.pay(ADA, 5)
            payments.refund(ADA, payment, 2)
        assert await left(budgets) == CAPACITY - ADVANCE - 5
    assert await left(budgets) == CAPACITY - 3


async def test_payers_do_not_share_points(opened: FramePayments, budgets: Budgets) -> None:
    await opened.pay(ADA, 1)
    await opened.pay(ANONYMOUS, 2)
    assert (await left(budgets), await left(budgets, ANONYMOUS)) == (CAPACITY - ADVANCE - 1, CAPACITY - ADVANCE - 2)


async def test_the_last_points_of_a_budget_pay_for_light_frames(opened: FramePayments, budgets: Budgets) -> None:
    await budgets.reserve(ADA, CAPACITY - 3)
    for _ in range(3):
        await opened.pay(ADA, 1)
    with pytest.raises(RateLimited) as refusal:
        await opened.pay(ADA, 1)
    assert refusal.value.layer == "account"
    assert budgets.counters.refused == {"account": 1}


async def test_without_redis_each_process_counts_by_itself(
    opened: FramePayments, shared: CountedBuckets, budgets: Budgets
) -> None:
    await opened.pay(ADA, 1)
    shared.is_away = True
    for _ in range(ADVANCE + 5):
        await opened.pay(ADA, 1)
    assert await left(budgets) == CAPACITY - ADVANCE - 1
    shared.is_away = False
    # What was left of the shared reservation was returned to the shared buckets.
    assert await left(budgets) == CAPACITY - ADVANCE - 1


async def test_a_budget_that_is_switched_off_never_refuses() -> None:
    payments = FramePayments(Budgets(Limits(None, None, None, None, None), LocalBuckets(), LocalBuckets()))
    with payments.opened(ADA):
        for points in (1, LIGHT, 1_000_000):
            payment = await payments.pay(ADA, points)
            assert payments.refund(ADA, payment, points) == ()
