"""Token buckets, shared by all processes in Redis or of one process alone."""

from storage.token_buckets.base import Answer, Bucket, BucketsAway, BucketsOverloaded, BucketStore, Claim
from storage.token_buckets.local import LocalBuckets
from storage.token_buckets.redis import RedisBuckets

__all__ = [
    "Answer",
    "Bucket",
    "BucketStore",
    "BucketsAway",
    "BucketsOverloaded",
    "Claim",
    "LocalBuckets",
    "RedisBuckets",
]
