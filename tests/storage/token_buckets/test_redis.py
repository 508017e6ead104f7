"""Token buckets in Redis: exact over processes, many claims to a call, and sure of an answer when Redis has none."""

import asyncio
import logging
import struct
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from redis.asyncio import Redis

from storage.redis.connection import close_redis, connect_redis
from storage.redis.valkey import EmbeddedValkey
from storage.token_buckets import Answer, Bucket, BucketsAway, BucketsOverloaded, RedisBuckets
from tests.support.faults.hanging import hanging
from tests.support.waiting import eventually

#: However busy the machine is.
PATIENCE = 60.0
BUCKET = Bucket("{test}:bucket", 1_000, 0.0)
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


@pytest.fixture
async def valkey(tmp_path: Path) -> AsyncIterator[EmbeddedValkey]:
    """A Valkey that ends at once with the test."""
    server = EmbeddedValkey(tmp_path)
    await server.start()
    yield server
    await server.stop(0)


@asynccontextmanager
async def connected(valkey: EmbeddedValkey, call_seconds: float = PATIENCE) -> AsyncIterator[RedisBuckets]:
    buckets = RedisBuckets(valkey.url, call_seconds)
    await buckets.start()
    try:
        yield buckets
    finally:
        await buckets.close()


@pytest.fixture
async def buckets(valkey: EmbeddedValkey, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[RedisBuckets]:
    monkeypatch.setattr("storage.token_buckets.redis.RETRY_SECONDS", 0.05)
    async with connected(valkey) as opened:
        yield opened


@pytest.fixture
async def redis(valkey: EmbeddedValkey) -> AsyncIterator[Redis]:
    client = connect_redis(valkey.url)
    yield client
    await close_redis(client)


async def level(buckets: RedisBuckets) -> float:
    return (await buckets.take([(BUCKET, 0)])).levels[0]


async def wait_for_level(buckets: RedisBuckets, wanted: float) -> None:
    async def reached() -> bool:
        return await level(buckets) == wanted

    await eventually(reached)


async def wait_until_back(buckets: RedisBuckets) -> None:
    async def back() -> bool:
        try:
            return (await buckets.take([(BUCKET, 0)])).granted
        except BucketsAway:
            return False

    await eventually(back)


def claim(buckets: RedisBuckets, cost: int) -> asyncio.Task[Answer]:
    return asyncio.create_task(buckets.take([(BUCKET, cost)]))


async def under_way() -> None:
    """Let what was just begun be sent."""
    for _ in range(5):
        await asyncio.sleep(0)


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
        buckets.give_back([(BUCKET, 200)])
        await wait_for_level(other, 700)


async def test_more_than_one_call_can_give_back_reaches_others_too(
    buckets: RedisBuckets, valkey: EmbeddedValkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.token_buckets.redis.MOST_RETURNS", 2)
    several = [Bucket(f"{{test}}:{number}", 10, 0.0) for number in range(7)]
    await buckets.take([(bucket, 5) for bucket in several])
    async with connected(valkey) as other:

        async def returned() -> bool:
            return (await other.take([(bucket, 0) for bucket in several])).levels == (10,) * 7

        buckets.give_back([(bucket, 5) for bucket in several])
        await eventually(returned)


async def test_closing_gives_back_what_is_owed(valkey: EmbeddedValkey) -> None:
    async with connected(valkey) as closing:
        await closing.take([(BUCKET, 500)])
        closing.give_back([(BUCKET, 200)])
    async with connected(valkey) as other:
        assert await level(other) == 700


async def test_a_bucket_is_stored_no_longer_than_it_takes_to_fill(buckets: RedisBuckets, redis: Redis) -> None:
    async def gone() -> bool:
        return not await redis.exists("{test}:a", "{test}:b", "{test}:c")

    await buckets.take([(Bucket("{test}:a", 10, 100.0), 1), (Bucket("{test}:b", 10, 50.0), 10)])
    assert await redis.pttl("{test}:b") <= 200
    await buckets.take([(Bucket("{test}:c", 10, 0.0), 5)])
    buckets.give_back([(Bucket("{test}:c", 10, 0.0), 5)])
    await eventually(gone)


async def test_a_bucket_that_hardly_fills_is_kept_for_a_month(buckets: RedisBuckets, redis: Redis) -> None:
    await buckets.take([(BUCKET, 1)])
    assert 0 < await redis.ttl(BUCKET.key) <= 30 * 24 * 60 * 60


async def test_what_somebody_else_left_under_a_key_counts_as_a_full_bucket(buckets: RedisBuckets, redis: Redis) -> None:
    await redis.set(BUCKET.key, "something else")
    assert await buckets.take([(BUCKET, 1)]) == Answer(True, (999,))


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


async def test_more_than_may_wait_are_turned_away(
    buckets: RedisBuckets, valkey: EmbeddedValkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.token_buckets.redis.MOST_WAITING", 5)
    with hanging(valkey):
        tasks = [claim(buckets, 1)]
        await under_way()
        tasks += [claim(buckets, 1) for _ in range(5)]
        await under_way()
        with pytest.raises(BucketsOverloaded):
            await buckets.take([(BUCKET, 1)])
    assert (await asyncio.gather(*tasks))[-1].levels == (994,)


async def test_only_the_first_waits_for_a_server_that_hangs(
    valkey: EmbeddedValkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.token_buckets.redis.RETRY_SECONDS", 0.05)
    async with connected(valkey, call_seconds=0.1) as buckets:
        with hanging(valkey):
            with pytest.raises(BucketsAway):
                await buckets.take([(BUCKET, 1)])
            for _ in range(100):
                later = claim(buckets, 1)
                await asyncio.sleep(0)
                assert isinstance(later.exception(), BucketsAway)
                await asyncio.sleep(0.003)
        await wait_until_back(buckets)


async def test_claims_that_wait_for_a_server_that_dies_are_refused(
    buckets: RedisBuckets, valkey: EmbeddedValkey
) -> None:
    with hanging(valkey):
        tasks = [claim(buckets, 1)]
        await under_way()
        tasks += [claim(buckets, 1) for _ in range(200)]
        await under_way()
        valkey.kill()
    found = await asyncio.gather(*tasks, return_exceptions=True)
    assert {type(each) for each in found} == {BucketsAway}


async def test_a_server_that_died_is_found_again_and_logged_once(
    buckets: RedisBuckets, valkey: EmbeddedValkey, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    await buckets.take([(BUCKET, 1)])
    valkey.kill()
    await valkey.wait()
    for _ in range(20):
        with pytest.raises(BucketsAway):
            await buckets.take([(BUCKET, 1)])
        await asyncio.sleep(0.01)
    await valkey.start()
    await wait_until_back(buckets)
    ours = [record.getMessage() for record in caplog.records if record.name == "cloudkeep.buckets"]
    assert len(ours) == 2
    assert ours[0].startswith("token buckets are out of reach: ConnectionError: ")
    assert ours[1] == "token buckets are back"


async def test_a_server_that_cannot_write_is_away_as_a_whole(
    buckets: RedisBuckets, redis: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    await redis.config_set("maxmemory", "1")
    with pytest.raises(BucketsAway):
        await buckets.take([(BUCKET, 1)])
    await asyncio.sleep(0.2)
    assert len(caplog.records) == 1
    await redis.config_set("maxmemory", "0")
    await wait_until_back(buckets)
    assert await level(buckets) == 1_000


async def test_what_is_owed_outlives_an_outage(buckets: RedisBuckets, valkey: EmbeddedValkey, redis: Redis) -> None:
    await buckets.take([(BUCKET, 500)])
    await redis.config_set("maxmemory", "1")
    with pytest.raises(BucketsAway):
        await buckets.take([(BUCKET, 1)])
    buckets.give_back([(BUCKET, 200)])
    await redis.config_set("maxmemory", "0")
    await wait_until_back(buckets)
    await wait_for_level(buckets, 700)


async def test_no_more_is_owed_than_can_be_remembered(
    buckets: RedisBuckets, monkeypatch: pytest.MonkeyPatch, valkey: EmbeddedValkey
) -> None:
    monkeypatch.setattr("storage.token_buckets.redis.MOST_OWED", 2)
    several = [Bucket(f"{{test}}:{number}", 10, 0.0) for number in range(4)]
    await buckets.take([(bucket, 5) for bucket in several])
    buckets.give_back([(bucket, 5) for bucket in several])
    assert (await buckets.take([(bucket, 0) for bucket in several])).levels == (10, 10, 5, 5)


async def test_a_server_that_is_not_there_at_first_is_found_later(
    valkey: EmbeddedValkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.token_buckets.redis.RETRY_SECONDS", 0.05)
    valkey.kill()
    await valkey.wait()
    async with connected(valkey) as early:
        with pytest.raises(BucketsAway):
            await early.take([(BUCKET, 1)])
        await valkey.start()
        await wait_until_back(early)


async def test_a_server_that_cannot_write_at_first_is_used_later(
    valkey: EmbeddedValkey, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.token_buckets.redis.RETRY_SECONDS", 0.05)
    await redis.config_set("maxmemory", "1")
    async with connected(valkey) as early:
        with pytest.raises(BucketsAway):
            await early.take([(BUCKET, 1)])
        await redis.config_set("maxmemory", "0")
        await wait_until_back(early)


async def test_closing_refuses_whoever_waits(valkey: EmbeddedValkey) -> None:
    closing = RedisBuckets(valkey.url, PATIENCE)
    await closing.start()
    with hanging(valkey):
        tasks = [claim(closing, 1)]
        await under_way()
        tasks.append(claim(closing, 1))
        await under_way()
        await closing.close()
    found = await asyncio.gather(*tasks, return_exceptions=True)
    assert {type(each) for each in found} == {BucketsAway}
