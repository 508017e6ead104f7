"""Token buckets, shared by all processes in Redis or of one process alone."""

from storage.buckets.base import Answer, Bucket, BucketsAway, BucketsOverloaded, BucketStore, Claim
from storage.buckets.local import LocalBuckets
from storage.buckets.redis import RedisBuckets

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
