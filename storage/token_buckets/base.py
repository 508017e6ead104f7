"""The contract of a store of token buckets. Every implementation passes ``tests/contracts/test_buckets.py``."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol, TypeAlias

from storage.errors import StorageError


@dataclass(frozen=True, slots=True)
class Bucket:
    """Tokens that are taken and refilled: at most ``capacity``, and ``refill`` more every second.

    An unused bucket is full. ``key`` alone identifies it: a claim with another capacity or refill for the same key
    changes these from then on.
    """

    key: str
    capacity: int
    refill: float


#: The tokens to take from several buckets, all of them or none. No bucket occurs twice, and no cost is negative.
Claim: TypeAlias = Sequence[tuple[Bucket, int]]


class ClaimResult(NamedTuple):
    """Whether a claim was granted, and the levels of its buckets after it, in the order of the claim."""

    granted: bool
    levels: tuple[float, ...]


class BucketsUnavailable(StorageError):
    """The store cannot be reached, or does not answer in time."""


class BucketsOverloaded(StorageError):
    """Too many claims wait for an answer."""


class BucketStore(Protocol):
    """Buckets by their key. Processes that share a store share its buckets."""

    async def take(self, claim: Claim) -> ClaimResult:
        """Take every cost of a claim, or nothing if one of its buckets holds less.

        If the caller is cancelled meanwhile, nothing is taken. Raises :class:`BucketsUnavailable` and
        :class:`BucketsOverloaded`.
        """
        ...

    def refund(self, claim: Claim) -> None:
        """Return tokens that were taken and not used, without waiting for the result.

        They may be lost in an outage. No bucket holds more than its capacity afterwards.
        """
        ...
