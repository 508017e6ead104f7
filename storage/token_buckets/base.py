"""What a store of token buckets promises."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol, TypeAlias

from storage.errors import StorageError


@dataclass(frozen=True, slots=True)
class Bucket:
    """Tokens that are taken and grow back: at most ``capacity``, and ``refill`` more every second.

    A bucket that nobody has taken from is full. ``key`` alone says which one it is: when the same key comes with
    another capacity or refill, these hold from then on.
    """

    key: str
    capacity: int
    refill: float


#: What is taken from which buckets, all of it or nothing. No bucket comes twice, and no cost is below nothing.
Claim: TypeAlias = Sequence[tuple[Bucket, int]]


class Answer(NamedTuple):
    """What became of a claim, and what its buckets hold after it, in its order."""

    granted: bool
    levels: tuple[float, ...]


class BucketsAway(StorageError):
    """Where the buckets are cannot be reached, or does not answer in time."""


class BucketsOverloaded(StorageError):
    """More claims wait for an answer than may wait."""


class BucketStore(Protocol):
    """Buckets by their key. Whoever shares a store shares its buckets."""

    async def take(self, claim: Claim) -> Answer:
        """Take every cost of a claim, or nothing when one of its buckets holds less.

        A caller who is cancelled meanwhile has taken nothing. Raises :class:`BucketsAway` and
        :class:`BucketsOverloaded`.
        """
        ...

    def give_back(self, claim: Claim) -> None:
        """Put back what was taken before and not used, soon and without an answer; it may be lost in an outage.

        No bucket comes to hold more than its capacity.
        """
        ...
