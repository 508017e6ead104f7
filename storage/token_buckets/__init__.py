"""Token buckets, shared by all processes in Redis or of one process alone."""

from storage.token_buckets.base import Bucket, BucketsOverloaded, BucketStore, BucketsUnavailable, Claim, ClaimResult
from storage.token_buckets.local import LocalBuckets
from storage.token_buckets.redis import RedisBuckets

__all__ = [
    "Bucket",
    "BucketStore",
    "BucketsOverloaded",
    "BucketsUnavailable",
    "Claim",
    "ClaimResult",
    "LocalBuckets",
    "RedisBuckets",
]
