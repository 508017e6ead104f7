"""Token buckets of this process alone."""

import time
from collections import OrderedDict

from storage.token_buckets.base import Bucket, Claim, ClaimResult

#: The least recently used buckets are dropped. They are full when they are used again.
MAX_BUCKETS = 10_000


class LocalBuckets:
    """A :class:`storage.token_buckets.base.BucketStore` in memory."""

    def __init__(self) -> None:
        #: The level of a bucket, and its time in seconds of the monotonic clock.
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    async def take(self, claim: Claim) -> ClaimResult:
        """See :class:`storage.token_buckets.base.BucketStore`. Never waits."""
        now = time.monotonic()
        levels = [self._level(bucket, now) for bucket, _ in claim]
        if any(level < cost for level, (_, cost) in zip(levels, claim, strict=True)):
            return ClaimResult(False, tuple(levels))
        for place, (bucket, cost) in enumerate(claim):
            levels[place] -= cost
            self._keep(bucket, levels[place], now)
        return ClaimResult(True, tuple(levels))

    def refund(self, claim: Claim) -> None:
        """See :class:`storage.token_buckets.base.BucketStore`. At once."""
        now = time.monotonic()
        for bucket, cost in claim:
            self._keep(bucket, self._level(bucket, now) + cost, now)

    def _level(self, bucket: Bucket, now: float) -> float:
        level, at = self._buckets.get(bucket.key, (float(bucket.capacity), now))
        return min(float(bucket.capacity), level + (now - at) * bucket.refill)

    def _keep(self, bucket: Bucket, level: float, now: float) -> None:
        if level >= bucket.capacity:
            self._buckets.pop(bucket.key, None)
            return
        self._buckets[bucket.key] = (level, now)
        self._buckets.move_to_end(bucket.key)
        if len(self._buckets) > MAX_BUCKETS:
            self._buckets.popitem(last=False)
