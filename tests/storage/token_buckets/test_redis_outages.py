"""Token buckets in Redis while the server hangs, dies or cannot write."""

import asyncio
import logging

import pytest
from redis.asyncio import Redis

from storage.redis.valkey import EmbeddedValkey
from storage.token_buckets import Bucket, BucketsOverloaded, BucketsUnavailable, RedisBuckets
from tests.storage.token_buckets.claims import BUCKET, PATIENCE, claim, connected, level, under_way, wait_for_level
from tests.support.faults.hanging import hanging
from tests.support.waiting import eventually


async def wait_until_back(buckets: RedisBuckets) -> None:
    async def back() -> bool:
        try:
            return (await buckets.take([(BUCKET, 0)])).granted
        except BucketsUnavailable:
            return False

    await eventually(back)


async def test_more_than_may_wait_are_turned_away(
    buckets: RedisBuckets, valkey: EmbeddedValkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.token_buckets.redis.MAX_WAITING", 5)
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
            with pytest.raises(BucketsUnavailable):
                await buckets.take([(BUCKET, 1)])
            for _ in range(100):
                later = claim(buckets, 1)
                await asyncio.sleep(0)
                assert isinstance(later.exception(), BucketsUnavailable)
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
    assert {type(each) for each in found} == {BucketsUnavailable}


async def test_a_server_that_died_is_found_again_and_logged_once(
    buckets: RedisBuckets, valkey: EmbeddedValkey, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    await buckets.take([(BUCKET, 1)])
    valkey.kill()
    await valkey.wait()
    for _ in range(20):
        with pytest.raises(BucketsUnavailable):
            await buckets.take([(BUCKET, 1)])
        await asyncio.sleep(0.01)
    await valkey.start()
    await wait_until_back(buckets)
    ours = [record.getMessage() for record in caplog.records if record.name == "cloudkeep.buckets"]
    assert len(ours) == 2
    assert ours[0].startswith("token buckets unavailable, retrying: ConnectionError: ")
    assert ours[1] == "token buckets are back"


async def test_a_server_that_cannot_write_is_away_as_a_whole(
    buckets: RedisBuckets, redis: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    await redis.config_set("maxmemory", "1")
    with pytest.raises(BucketsUnavailable):
        await buckets.take([(BUCKET, 1)])
    await asyncio.sleep(0.2)
    assert len(caplog.records) == 1
    await redis.config_set("maxmemory", "0")
    await wait_until_back(buckets)
    assert await level(buckets) == 1_000


async def test_what_is_owed_outlives_an_outage(buckets: RedisBuckets, valkey: EmbeddedValkey, redis: Redis) -> None:
    await buckets.take([(BUCKET, 500)])
    await redis.config_set("maxmemory", "1")
    with pytest.raises(BucketsUnavailable):
        await buckets.take([(BUCKET, 1)])
    buckets.refund([(BUCKET, 200)])
    await redis.config_set("maxmemory", "0")
    await wait_until_back(buckets)
    await wait_for_level(buckets, 700)


async def test_no_more_is_owed_than_can_be_remembered(
    buckets: RedisBuckets, monkeypatch: pytest.MonkeyPatch, valkey: EmbeddedValkey
) -> None:
    monkeypatch.setattr("storage.token_buckets.redis.MAX_PENDING_REFUNDS", 2)
    several = [Bucket(f"{{test}}:{number}", 10, 0.0) for number in range(4)]
    await buckets.take([(bucket, 5) for bucket in several])
    buckets.refund([(bucket, 5) for bucket in several])
    assert (await buckets.take([(bucket, 0) for bucket in several])).levels == (10, 10, 5, 5)


async def test_a_server_that_is_not_there_at_first_is_found_later(
    valkey: EmbeddedValkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.token_buckets.redis.RETRY_SECONDS", 0.05)
    valkey.kill()
    await valkey.wait()
    async with connected(valkey) as early:
        with pytest.raises(BucketsUnavailable):
            await early.take([(BUCKET, 1)])
        await valkey.start()
        await wait_until_back(early)


async def test_a_server_that_cannot_write_at_first_is_used_later(
    valkey: EmbeddedValkey, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.token_buckets.redis.RETRY_SECONDS", 0.05)
    await redis.config_set("maxmemory", "1")
    async with connected(valkey) as early:
        with pytest.raises(BucketsUnavailable):
            await early.take([(BUCKET, 1)])
        await redis.config_set("maxmemory", "0")
        await wait_until_back(early)


async def test_closing_refuses_waiting_claims(valkey: EmbeddedValkey) -> None:
    closing = RedisBuckets(valkey.url, PATIENCE)
    await closing.start()
    with hanging(valkey):
        tasks = [claim(closing, 1)]
        await under_way()
        tasks.append(claim(closing, 1))
        await under_way()
        await closing.close()
    found = await asyncio.gather(*tasks, return_exceptions=True)
    assert {type(each) for each in found} == {BucketsUnavailable}
