"""Token buckets of one process: they do not grow without end."""

import pytest

from storage.token_buckets import Bucket, LocalBuckets


async def test_the_least_recently_used_buckets_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storage.token_buckets.local.MAX_BUCKETS", 3)
    buckets = LocalBuckets()
    shared = Bucket("shared", 100, 0.0)
    addresses = [Bucket(f"address {number}", 10, 0.0) for number in range(10)]
    for address in addresses:
        assert (await buckets.take([(shared, 1), (address, 1)])).granted
    levels = (await buckets.take([(shared, 0), (addresses[-1], 0), (addresses[0], 0)])).levels
    assert levels == (90, 9, 10)
