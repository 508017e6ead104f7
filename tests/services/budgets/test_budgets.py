"""Budgets: all layers or none, unused points are refunded, and clients do not notice an outage of Redis."""

import asyncio
import math
from collections.abc import AsyncIterator, Mapping
from uuid import UUID

import pytest

from services.budgets.budgets import Budgets, LayerStatus, Limit, Limits, Payer
from services.budgets.errors import RateLimited
from services.budgets.limits import least_available
from storage.redis.valkey import EmbeddedValkey
from storage.token_buckets import BucketStore, LocalBuckets, RedisBuckets
from tests.support.waiting import eventually

ADA = UUID("01939b1c-0000-7000-8000-000000000001")
BOB = UUID("01939b1c-0000-7000-8000-000000000002")
CLEO = UUID("01939b1c-0000-7000-8000-000000000003")
#: Almost nothing is refilled during a test.
SLOW = 0.000_001
LIMITS = Limits(
    all=Limit(1_000, SLOW),
    address=Limit(400, SLOW),
    account=Limit(200, SLOW),
    anonymous=Limit(20, SLOW),
    ingest=Limit(1_000, SLOW),
)
SIGNED_IN = Payer("192.0.2.1", ADA)
ANONYMOUS = Payer("192.0.2.1")
INSIDE = ("redis", "valkey", "bucket", "connect")


class Book:
    """Overrides in a dictionary."""

    def __init__(self, **limits: Limit) -> None:
        self._limits = limits

    async def limits_of(self, account_id: UUID) -> Mapping[str, Limit] | None:
        return self._limits if account_id == ADA else None


@pytest.fixture
def budgets() -> Budgets:
    return Budgets(LIMITS, LocalBuckets(), LocalBuckets())


@pytest.fixture
async def shared(valkey: EmbeddedValkey, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[RedisBuckets]:
    monkeypatch.setattr("storage.token_buckets.redis.RETRY_SECONDS", 0.05)
    buckets = RedisBuckets(valkey.url, 60)
    await buckets.start()
    yield buckets
    await buckets.close()


@pytest.fixture
async def lost(shared: RedisBuckets, valkey: EmbeddedValkey) -> BucketStore:
    """Buckets that are unavailable."""
    await valkey.stop(0)
    return shared


async def available(budgets: Budgets, payer: Payer) -> dict[str, int]:
    return {status.layer: status.available for status in await budgets.read_layers(payer)}


async def refused(budgets: Budgets, payer: Payer, points: int, ingest_bytes: int = 0) -> RateLimited:
    with pytest.raises(RateLimited) as caught:
        await budgets.reserve(payer, points, ingest_bytes)
    return caught.value


async def test_points_are_taken_from_every_layer_but_the_one_in_bytes(budgets: Budgets) -> None:
    reservation = await budgets.reserve(SIGNED_IN, 7)
    assert reservation.layers == (
        LayerStatus("global", 1_000, 993, SLOW, "points"),
        LayerStatus("address", 400, 393, SLOW, "points"),
        LayerStatus("account", 200, 193, SLOW, "points"),
    )
    assert await available(budgets, SIGNED_IN) == {"global": 993, "address": 393, "account": 193, "ingest": 1_000}


async def test_bytes_alone_are_taken_from_their_layer_alone(budgets: Budgets) -> None:
    assert (await budgets.reserve(SIGNED_IN, 0, 600)).layers == (LayerStatus("ingest", 1_000, 400, SLOW, "bytes"),)
    assert await available(budgets, SIGNED_IN) == {"global": 1_000, "address": 400, "account": 200, "ingest": 400}


async def test_points_and_bytes_are_taken_together_or_not_at_all(budgets: Budgets) -> None:
    assert len((await budgets.reserve(SIGNED_IN, 1, 600)).layers) == 4
    assert (await refused(budgets, SIGNED_IN, 1, 600)).layer == "ingest"
    assert (await refused(budgets, SIGNED_IN, 200, 100)).layer == "account"
    assert await available(budgets, SIGNED_IN) == {"global": 999, "address": 399, "account": 199, "ingest": 400}


async def test_a_layer_that_refuses_leaves_all_others_as_they_were(budgets: Budgets) -> None:
    error = await refused(budgets, ANONYMOUS, 21)
    assert (error.layer, [status.available for status in error.layers]) == ("anonymous", [1_000, 400, 20])
    assert await available(budgets, ANONYMOUS) == {"global": 1_000, "address": 400, "anonymous": 20, "ingest": 1_000}


async def test_accounts_behind_one_address_share_its_budget_only(budgets: Budgets) -> None:
    await budgets.reserve(SIGNED_IN, 200)
    await budgets.reserve(Payer("192.0.2.1", BOB), 200)
    assert (await refused(budgets, Payer("192.0.2.1", BOB), 1)).layer in {"account", "address"}
    assert (await refused(budgets, ANONYMOUS, 1)).layer == "address"
    assert (await budgets.reserve(Payer("192.0.2.2", None), 1)).points == 1


async def test_the_tightest_layer_is_the_one_that_will_refuse_first(budgets: Budgets) -> None:
    await budgets.reserve(Payer("192.0.2.1", BOB), 150)
    for payer, cost, layer in (
        (SIGNED_IN, 180, "account"),
        (ANONYMOUS, 5, "anonymous"),
        (Payer("192.0.2.1", CLEO), 60, "address"),
    ):
        first = least_available((await budgets.reserve(payer, cost)).layers)
        assert first
        assert first.layer == layer


async def test_without_any_layer_everything_passes() -> None:
    budgets = Budgets(Limits(None, None, None, None, None), LocalBuckets(), LocalBuckets())
    reservation = await budgets.reserve(SIGNED_IN, 10**9, 10**15)
    assert (reservation.layers, least_available(reservation.layers)) == ((), None)
    assert budgets.refund(reservation, 10**9) == ()
    assert await budgets.read_layers(SIGNED_IN) == ()


async def test_what_is_not_used_comes_back_to_every_layer(budgets: Budgets) -> None:
    reservation = await budgets.reserve(SIGNED_IN, 100, 1_000)
    assert [status.available for status in budgets.refund(reservation, 60, 700)] == [960, 360, 160, 700]
    assert await available(budgets, SIGNED_IN) == {"global": 960, "address": 360, "account": 160, "ingest": 700}


async def test_no_more_comes_back_than_was_taken(budgets: Budgets) -> None:
    await budgets.reserve(SIGNED_IN, 100)
    reservation = await budgets.reserve(SIGNED_IN, 50)
    for _ in range(3):
        budgets.refund(reservation, 40, 40)
    budgets.refund(reservation, -1_000)
    assert await available(budgets, SIGNED_IN) == {"global": 900, "address": 300, "account": 100, "ingest": 1_000}


async def test_a_refund_says_what_is_there_without_asking_redis(shared: RedisBuckets) -> None:
    budgets = Budgets(LIMITS, shared, LocalBuckets())

    async def returned() -> bool:
        return (await available(budgets, SIGNED_IN))["account"] == 190

    reservation = await budgets.reserve(SIGNED_IN, 100)
    assert [status.available for status in budgets.refund(reservation, 90)] == [990, 390, 190]
    await eventually(returned)


async def test_a_refusal_says_which_layer_and_how_long(budgets: Budgets) -> None:
    limits = Limits(account=Limit(100, 2), address=Limit(1_000, 10))
    budgets = Budgets(limits, LocalBuckets(), LocalBuckets())
    await budgets.reserve(SIGNED_IN, 100)
    error = await refused(budgets, SIGNED_IN, 21)
    assert error.retry_after
    assert math.ceil(error.retry_after) in {10, 11}
    assert error.extensions == {
        "code": "RATE_LIMITED",
        "layer": "account",
        "retryAfter": math.ceil(error.retry_after * 1_000) / 1_000,
    }
    assert "This takes 21 points, and 0 of 100 are left." in str(error)


async def test_the_layer_that_takes_longest_is_named() -> None:
    limits = Limits(account=Limit(100, 50), address=Limit(100, 1))
    budgets = Budgets(limits, LocalBuckets(), LocalBuckets())
    await budgets.reserve(SIGNED_IN, 100)
    assert (await refused(budgets, SIGNED_IN, 50)).layer == "address"


async def test_a_cost_above_the_capacity_is_refused_for_ever(budgets: Budgets) -> None:
    error = await refused(budgets, SIGNED_IN, 201)
    assert (error.layer, error.retry_after) == ("account", None)
    assert error.extensions == {"code": "RATE_LIMITED", "layer": "account", "retryAfter": None}
    assert str(error) == "This takes 201 points, and the budget never holds more than 200."


async def test_looking_costs_nothing(budgets: Budgets) -> None:
    for _ in range(100):
        await budgets.read_layers(ANONYMOUS)
    assert (await available(budgets, ANONYMOUS))["anonymous"] == 20


async def test_an_account_has_what_was_granted_to_it() -> None:
    book = Book(account=Limit(5_000, SLOW))
    budgets = Budgets(LIMITS, LocalBuckets(), LocalBuckets(), book)
    assert (await available(budgets, SIGNED_IN))["account"] == 5_000
    assert (await available(budgets, Payer("192.0.2.1", BOB)))["account"] == 200
    assert (await available(budgets, ANONYMOUS))["anonymous"] == 20


async def test_without_redis_an_open_layer_is_counted_by_the_process(lost: BucketStore) -> None:
    budgets = Budgets(LIMITS, lost, LocalBuckets())
    reservation = await budgets.reserve(ANONYMOUS, 15)
    assert [status.available for status in reservation.layers] == [985, 385, 5]
    assert (await refused(budgets, ANONYMOUS, 10)).layer == "anonymous"
    budgets.refund(reservation, 10)
    assert await available(budgets, ANONYMOUS) == {"global": 995, "address": 395, "anonymous": 15, "ingest": 1_000}


async def test_without_redis_a_closed_layer_refuses_without_a_word_about_it(lost: BucketStore) -> None:
    limits = Limits(anonymous=Limit(20, 1, closed=True))
    budgets = Budgets(limits, lost, LocalBuckets())
    error = await refused(budgets, ANONYMOUS, 1)
    assert (error.layer, error.retry_after) == ("anonymous", 1.0)
    assert not any(word in str(error).lower() for word in INSIDE)
    assert (await available(budgets, ANONYMOUS))["anonymous"] == 0
    # Payers of other layers are admitted, and the refusal has charged no layer.
    assert (await budgets.reserve(SIGNED_IN, 1)).layers[0].available == 999_999


async def test_redis_is_asked_again_when_it_is_back(shared: RedisBuckets, valkey: EmbeddedValkey) -> None:
    budgets = Budgets(LIMITS, shared, LocalBuckets())

    async def back() -> bool:
        return (await available(budgets, SIGNED_IN))["account"] == 190

    await budgets.reserve(SIGNED_IN, 10)
    await valkey.stop()
    alone = await budgets.reserve(SIGNED_IN, 100)
    assert alone.layers[2].available == 100
    await valkey.start()
    await eventually(back)
    # It was never taken from these buckets.
    budgets.refund(alone, 100)
    assert (await available(budgets, SIGNED_IN))["account"] == 190


async def test_an_overloaded_server_refuses_instead_of_letting_all_requests_wait(
    shared: RedisBuckets, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.token_buckets.redis.MAX_WAITING", 0)
    budgets = Budgets(LIMITS, shared, LocalBuckets())
    error = await refused(budgets, SIGNED_IN, 1)
    assert (error.layer, error.retry_after) == ("global", 1.0)
    assert (await available(budgets, SIGNED_IN))["account"] == 200
    assert budgets.counters.overloaded == 1


async def test_a_thousand_requests_at_once_get_exactly_what_there_is(shared: RedisBuckets) -> None:
    budgets = Budgets(LIMITS, shared, LocalBuckets())
    payers = [Payer("192.0.2.1", ADA), Payer("2001:db8::1", ADA), Payer("2001:db8::2", BOB), Payer("192.0.2.3")]
    found = await asyncio.gather(
        *(budgets.reserve(payers[each % 4], 3) for each in range(1_000)), return_exceptions=True
    )
    assert {type(each) for each in found if isinstance(each, BaseException)} == {RateLimited}
    assert sum(not isinstance(each, BaseException) for each in found) == 200 // 3 + 200 // 3 + 20 // 3


async def test_what_happened_is_counted(lost: BucketStore) -> None:
    budgets = Budgets(LIMITS, LocalBuckets(), LocalBuckets())
    await budgets.reserve(ANONYMOUS, 10)
    await refused(budgets, ANONYMOUS, 20)
    assert budgets.counters.refused == {"anonymous": 1}
    limits = Limits(address=Limit(1, 1), anonymous=Limit(1, 1, closed=True))
    away = Budgets(limits, lost, LocalBuckets())
    await refused(away, ANONYMOUS, 1)
    assert away.counters.away == {("global", "open"): 1, ("address", "open"): 1, ("anonymous", "closed"): 1}
    assert away.counters.refused == {"anonymous": 1}


async def test_what_was_reserved_in_two_parts_comes_back_as_one(budgets: Budgets) -> None:
    first, second = await budgets.reserve(SIGNED_IN, 30), await budgets.reserve(SIGNED_IN, 50)
    second.include(first)
    budgets.refund(second, 75)
    budgets.refund(first, 30)
    assert [status.available for status in await budgets.read_layers(SIGNED_IN) if status.layer == "account"] == [195]
