"""How large the layers of budgets are, who pays, and what clients are told of it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias
from uuid import UUID

LayerName: TypeAlias = Literal["global", "address", "account", "anonymous", "ingest"]
Unit: TypeAlias = Literal["points", "bytes"]


@dataclass(frozen=True, slots=True)
class Limit:
    """How much a bucket holds, and how much flows back into it every second.

    ``closed`` is what happens while the buckets are out of reach: nothing passes, or else each process counts alone.
    """

    capacity: int
    refill: float
    closed: bool = False


@dataclass(frozen=True, slots=True)
class Limits:
    """The limit of every layer; None is none.

    ``account`` holds for who is signed in, ``anonymous`` for each address of those who are not. ``ingest`` counts the
    bytes of chunks, for each account; all others count points.
    """

    all: Limit | None = Limit(1_000_000, 50_000)
    address: Limit | None = Limit(40_000, 2_000)
    account: Limit | None = Limit(20_000, 1_000)
    anonymous: Limit | None = Limit(2_000, 50)
    ingest: Limit | None = Limit(256 * 2**30, 2**30)


@dataclass(frozen=True, slots=True)
class Payer:
    """Who pays: the client's address as text, and the account when somebody is signed in."""

    address: str
    account_id: UUID | None = None


class LayerStatus(NamedTuple):
    """What a layer's bucket holds: whole points or bytes, rounded down; ``refill`` is per second."""

    layer: LayerName
    capacity: int
    available: int
    refill: float
    unit: Unit


def shown(layers: Iterable[LayerStatus]) -> list[LayerStatus]:
    """What clients are told of: how full the bucket of everybody is, and how large, is nobody's business.

    See draft-ietf-httpapi-ratelimit-headers-11, section 8.2.
    """
    return [status for status in layers if status.layer != "global"]


def tightest(layers: Iterable[LayerStatus]) -> LayerStatus | None:
    """The layer with the least left, which will be the first to refuse; None when there is none."""
    return min(layers, key=lambda status: status.available, default=None)
