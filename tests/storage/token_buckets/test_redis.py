"""Token buckets in Redis: claims and refunds of several processes."""

import asyncio
import struct
import sys

import pytest
from redis.asyncio import Redis

from storage.redis.valkey import EmbeddedValkey
from storage.token_buckets import Bucket, ClaimResult, RedisBuckets
from tests.storage.token_buckets.claims import BUCKET, claim, connected, level, under_way, wait_for_level
from tests.support.faults.hanging import hanging
from tests.support.waiting import eventually

#: Connects, waits for a line, claims 250 times at once, and prints how often it was granted.
CLAIM = """
import asyncio, sys
from storage.token_buckets import Bucket, RedisBuckets

async def main():
    buckets = RedisBuckets(sys.argv[1], 60)
    await buckets.start()
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    claim = [(Bucket("{test}:wide", 10**6, 0.0), 7), (Bucket("{test}:bucket", 1000, 0.0), 7)]
    answers = await asyncio.gather(*(buckets.take(claim) for _ in range(250)))
    print(sum(answer.granted for answer in answers))
    await buckets.close()

asyncio.run(main())
"""


async def scripts_run(redis: Redis) -> int:
    return int((await redis.info("commandstats"))["cmdstat_evalsha"]["calls"])


async def test_four_processes_get_exactly_what_there_is(valkey: EmbeddedValkey) -> None:
    pipe = asyncio.subprocess.PIPE
    start = (
        asyncio.create_subprocess_exec(sys.executable, "-c", CLAIM, valkey.url, stdin=pipe, stdout=pipe)
        for _ in range(4)
    )
    processes = await asyncio.gather(*start)
    for process in processes:
        assert process.stdout
        assert await process.stdout.readline() == b"ready\n"
    granted = [int(out) for out, _ in await asyncio.gather(*(process.communicate(b"\n") for process in processes))]
    assert sum(granted) == 1_000 // 7


async def test_claims_that_come_together_travel_together(buckets: RedisBuckets, redis: Redis) -> None:
    before = await scripts_run(redis)
    answers = await asyncio.gather(*(buckets.take([(BUCKET, 1)]) for _ in range(256)))
    assert [answer.levels for answer in answers] == [(999 - number,) for number in range(256)]
    assert await scripts_run(redis) == before + 2


async def test_claims_on_many_buckets_each_get_their_own_answer(buckets: RedisBuckets) -> None:
    many = [Bucket(f"{{test}}:{number}", number, 0.0) for number in range(1, 301)]
    answers = await asyncio.gather(*(buckets.take([(BUCKET, 1), (each, 100)]) for each in many))
    assert [answer.granted for answer in answers] == [each.capacity >= 100 for each in many]
    assert [answer.levels[1] for answer in answers[98:102]] == [99, 0, 1, 2]
    assert await level(buckets) == 1_000 - 201


async def test_what_is_given_back_reaches_others_without_another_claim(
    buckets: RedisBuckets, valkey: EmbeddedValkey
) -> None:
    await buckets.take([(BUCKET, 500)])
    async with connected(valkey) as other:
        buckets.refund([(BUCKET, 200)])
        await wait_for_level(other, 700)


async def test_more_than_one_call_can_give_back_reaches_others_too(
    buckets: RedisBuckets, valkey: EmbeddedValkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.token_buckets.redis.MAX_REFUNDS", 2)
    several = [Bucket(f"{{test}}:{number}", 10, 0.0) for number in range(7)]
    await buckets.take([(bucket, 5) for bucket in several])
    async with connected(valkey) as other:

        async def returned() -> bool:
            return (await other.take([(bucket, 0) for bucket in several])).levels == (10,) * 7

        buckets.refund([(bucket, 5) for bucket in several])
        await eventually(returned)


async def test_closing_gives_back_what_is_owed(valkey: EmbeddedValkey) -> None:
    async with connected(valkey) as closing:
        await closing.take([(BUCKET, 500)])
        closing.refund([(BUCKET, 200)])
    async with connected(valkey) as other:
        assert await level(other) == 700


async def test_a_bucket_is_stored_no_longer_than_it_takes_to_fill(buckets: RedisBuckets, redis: Redis) -> None:
    async def gone() -> bool:
        return not await redis.exists("{test}:a", "{test}:b", "{test}:c")

    await buckets.take([(Bucket("{test}:a", 10, 100.0), 1), (Bucket("{test}:b", 10, 50.0), 10)])
    assert await redis.pttl("{test}:b") <= 200
    await buckets.take([(Bucket("{test}:c", 10, 0.0), 5)])
    buckets.refund([(Bucket("{test}:c", 10, 0.0), 5)])
    await eventually(gone)


async def test_a_bucket_that_hardly_fills_is_kept_for_a_month(buckets: RedisBuckets, redis: Redis) -> None:
    await buckets.take([(BUCKET, 1)])
    assert 0 < await redis.ttl(BUCKET.key) <= 30 * 24 * 60 * 60


async def test_a_foreign_value_under_a_key_counts_as_a_full_bucket(buckets: RedisBuckets, redis: Redis) -> None:
    await redis.set(BUCKET.key, "something else")
    assert await buckets.take([(BUCKET, 1)]) == ClaimResult(True, (999,))


async def test_a_clock_that_was_set_back_does_not_stop_the_refill(buckets: RedisBuckets, redis: Redis) -> None:
    quick = Bucket("{test}:quick", 10, 1e6)
    tomorrow = ((await redis.time())[0] + 24 * 60 * 60) * 1e6

    async def granted() -> bool:
        return (await buckets.take([(quick, 10)])).granted

    await redis.set(quick.key, struct.pack("<dd", 0, tomorrow))
    assert not await granted()
    await eventually(granted)


async def test_a_script_that_the_server_forgot_is_sent_again(buckets: RedisBuckets, redis: Redis) -> None:
    await buckets.take([(BUCKET, 1)])
    await redis.script_flush()
    assert (await buckets.take([(BUCKET, 1)])).levels == (998,)


async def test_a_connection_closed_while_idle_goes_unnoticed(
    buckets: RedisBuckets, redis: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(3):
        await redis.client_kill_filter(_type="normal", skipme=True)
        assert (await buckets.take([(BUCKET, 1)])).granted
    assert not caplog.records


async def test_a_claim_cancelled_while_it_waits_takes_nothing(buckets: RedisBuckets, valkey: EmbeddedValkey) -> None:
    with hanging(valkey):
        sent = claim(buckets, 10)
        await under_way()
        waiting = claim(buckets, 100)
        await under_way()
        waiting.cancel()
        await asyncio.wait({waiting})
    assert (await sent).levels == (990,)
    assert await level(buckets) == 990


async def test_a_claim_cancelled_on_its_way_is_given_back(buckets: RedisBuckets, valkey: EmbeddedValkey) -> None:
    with hanging(valkey):
        sent = claim(buckets, 10)
        await under_way()
        sent.cancel()
        await asyncio.wait({sent})
    await wait_for_level(buckets, 1_000)


async def test_a_claim_cancelled_in_any_moment_is_not_charged(buckets: RedisBuckets) -> None:
    heard = 0
    for number in range(200):
        task = claim(buckets, 2)
        await asyncio.sleep(number / 500_000)
        task.cancel()
        await asyncio.wait({task})
        heard += not task.cancelled()
    await wait_for_level(buckets, 1_000 - 2 * heard)
