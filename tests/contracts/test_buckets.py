"""What every store of token buckets promises."""

import asyncio

from storage.token_buckets import Bucket, BucketStore, ClaimResult
from tests.support.waiting import eventually

#: These are never refilled.
SMALL = Bucket("{test}:small", 10, 0.0)
LARGE = Bucket("{test}:large", 100, 0.0)
#: Full again at once.
QUICK = Bucket("{test}:quick", 50, 1e9)


async def look(buckets: BucketStore, *which: Bucket) -> tuple[float, ...]:
    return (await buckets.take([(bucket, 0) for bucket in which])).levels


async def test_an_unused_bucket_is_full(buckets: BucketStore) -> None:
    assert await look(buckets, SMALL, LARGE) == (10, 100)


async def test_a_claim_takes_from_each_of_its_buckets(buckets: BucketStore) -> None:
    assert await buckets.take([(SMALL, 3), (LARGE, 5)]) == ClaimResult(True, (7, 95))
    assert await look(buckets, LARGE, SMALL) == (95, 7)


async def test_a_bucket_can_be_emptied_to_the_last_token_and_no_further(buckets: BucketStore) -> None:
    assert await buckets.take([(SMALL, 10)]) == ClaimResult(True, (0,))
    assert await buckets.take([(SMALL, 1)]) == ClaimResult(False, (0,))


async def test_a_claim_that_one_bucket_refuses_takes_from_none(buckets: BucketStore) -> None:
    await buckets.take([(SMALL, 8)])
    for claim in ([(SMALL, 3), (LARGE, 3)], [(LARGE, 3), (SMALL, 3)]):
        assert not (await buckets.take(claim)).granted
    assert await look(buckets, SMALL, LARGE) == (2, 100)


async def test_a_cost_above_the_capacity_is_always_refused(buckets: BucketStore) -> None:
    assert await buckets.take([(SMALL, 11)]) == ClaimResult(False, (10,))
    assert not (await buckets.take([(QUICK, 51)])).granted


async def test_an_empty_bucket_grants_what_costs_nothing(buckets: BucketStore) -> None:
    await buckets.take([(SMALL, 10)])
    assert await buckets.take([(SMALL, 0)]) == ClaimResult(True, (0,))


async def test_a_claim_on_no_bucket_is_granted(buckets: BucketStore) -> None:
    assert await buckets.take([]) == ClaimResult(True, ())


async def test_buckets_have_nothing_to_do_with_each_other(buckets: BucketStore) -> None:
    await buckets.take([(SMALL, 10)])
    assert await look(buckets, Bucket("{test}:other", 10, 0.0)) == (10,)


async def test_a_bucket_fills_up_to_its_capacity(buckets: BucketStore) -> None:
    async def full() -> bool:
        return await look(buckets, QUICK) == (50,)

    assert (await buckets.take([(QUICK, 50)])).granted
    await eventually(full)


async def test_fractions_of_tokens_add_up_over_many_claims(buckets: BucketStore) -> None:
    slow = Bucket("{test}:slow", 10, 20.5)

    async def granted() -> bool:
        return (await buckets.take([(slow, 1)])).granted

    await buckets.take([(slow, 10)])
    for _ in range(2):
        await eventually(granted)


async def test_what_is_given_back_is_there_again(buckets: BucketStore) -> None:
    async def returned() -> bool:
        return await look(buckets, SMALL, LARGE) == (6, 99)

    await buckets.take([(SMALL, 10), (LARGE, 10)])
    buckets.refund([(SMALL, 2), (LARGE, 9)])
    buckets.refund([(SMALL, 4)])
    await eventually(returned)


async def test_what_is_given_back_never_exceeds_the_capacity(buckets: BucketStore) -> None:
    async def full() -> bool:
        return await look(buckets, SMALL, LARGE) == (10, 100)

    await buckets.take([(SMALL, 1)])
    buckets.refund([(SMALL, 1_000), (LARGE, 1_000)])
    await eventually(full)


async def test_a_lower_capacity_holds_at_once(buckets: BucketStore) -> None:
    await buckets.take([(LARGE, 20)])
    assert await look(buckets, Bucket(LARGE.key, 30, 0.0)) == (30,)


async def test_a_higher_capacity_gives_nothing_away(buckets: BucketStore) -> None:
    await buckets.take([(SMALL, 4)])
    assert await look(buckets, Bucket(SMALL.key, 1_000, 0.0)) == (6,)


async def test_the_largest_numbers_are_exact(buckets: BucketStore) -> None:
    huge = Bucket("{test}:huge", 2**53, 0.0)
    assert (await buckets.take([(huge, 2**53 - 1)])).levels == (1,)


async def test_a_thousand_at_once_get_exactly_what_there_is(buckets: BucketStore) -> None:
    answers = await asyncio.gather(*(buckets.take([(SMALL, 0), (LARGE, 7)]) for _ in range(1_000)))
    assert [answer.granted for answer in answers] == [True] * 14 + [False] * 986
