"""The limits of the layers of budgets, the payer, and the status that clients see."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias
from uuid import UUID

LayerName: TypeAlias = Literal["global", "address", "account", "token", "anonymous", "ingest"]
Unit: TypeAlias = Literal["points", "bytes"]


@dataclass(frozen=True, slots=True)
class Limit:
    """The capacity of a bucket, and its refill per second.

    While the buckets are unavailable, a ``closed`` limit refuses every request; otherwise each process counts by
    itself.
    """

    capacity: int
    refill: float
    closed: bool = False


@dataclass(frozen=True, slots=True)
class Limits:
    """The limit of every layer; None is none.

    ``account`` applies to each account, ``api_token`` in addition to each of its API tokens, and ``anonymous`` to each
    address without a sign-in. ``ingest`` counts the bytes of chunks, for each account; all others count points.
    """

    all: Limit | None = Limit(1_000_000, 50_000)
    address: Limit | None = Limit(40_000, 2_000)
    account: Limit | None = Limit(20_000, 1_000)
    anonymous: Limit | None = Limit(2_000, 50)
    ingest: Limit | None = Limit(256 * 2**30, 2**30)
    api_token: Limit | None = Limit(10_000, 500)


@dataclass(frozen=True, slots=True)
class Payer:
    """The payer: the client's address as text, and the account and the API token if the client has them."""

    address: str
    account_id: UUID | None = None
    api_token_id: UUID | None = None


class LayerStatus(NamedTuple):
    """The level of a layer's bucket, in whole points or bytes, rounded down; ``refill`` is per second."""

    layer: LayerName
    capacity: int
    available: int
    refill: float
    unit: Unit


def visible_layers(layers: Iterable[LayerStatus]) -> list[LayerStatus]:
    """The layers that clients may see: the global bucket would show the load of the server.

    See draft-ietf-httpapi-ratelimit-headers-11, section 8.2.
    """
    return [status for status in layers if status.layer != "global"]


def least_available(layers: Iterable[LayerStatus]) -> LayerStatus | None:
    """The layer with the fewest remaining units, which will be the first to refuse; None without layers."""
    return min(layers, key=lambda status: status.available, default=None)
