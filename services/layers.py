"""The layers of budgets: who pays from which bucket, and how large it is."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv6Address, ip_address
from typing import Literal, NamedTuple, Protocol, TypeAlias
from uuid import UUID

from storage.buckets import Bucket

LayerName: TypeAlias = Literal["global", "address", "account", "anonymous", "ingest"]
Unit: TypeAlias = Literal["points", "bytes"]

#: A customer with IPv6 has at least this whole network (RFC 6177), so that a single address of it says nothing.
IPV6_NETWORK_BITS = 64


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


@dataclass(frozen=True, slots=True)
class Layer:
    """The bucket that a payer has in a layer."""

    name: LayerName
    unit: Unit
    bucket: Bucket
    closed: bool

    def status(self, level: float) -> LayerStatus:
        """What clients are told of a bucket that holds ``level``."""
        return LayerStatus(self.name, self.bucket.capacity, int(level), self.bucket.refill, self.unit)


class GrantBook(Protocol):
    """Which accounts have limits of their own."""

    async def limits_of(self, account_id: UUID) -> Mapping[str, Limit] | None:
        """The limits that an operator granted, by the name of the layer (``account``, ``ingest``).

        None when there are none, as for almost everybody. Asked for every request, so it must cost next to nothing.
        Whether a layer is closed while the buckets are out of reach is not the grant's to say.
        """
        ...


@lru_cache(maxsize=10_000)
def network_of(address: str) -> str:
    """What counts as one address: an IPv4 address, also one that is mapped to IPv6, or an IPv6 network.

    Text that is no address, such as the peer of a unix socket, stands for itself.
    """
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    network = int(parsed) >> (128 - IPV6_NETWORK_BITS) << (128 - IPV6_NETWORK_BITS)
    return f"{IPv6Address(network)}/{IPV6_NETWORK_BITS}"


class Layers:
    """Finds the layers that a payer pays in."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._cached = lru_cache(maxsize=10_000)(self.of)

    def of_most(self, payer: Payer) -> tuple[Layer, ...]:
        """The layers of a payer without grants."""
        return self._cached(payer)

    def of(self, payer: Payer, granted: Mapping[str, Limit] | None = None) -> tuple[Layer, ...]:
        """The layers of a payer, the one in bytes at the end."""
        network = network_of(payer.address)
        limits = self._limits
        account = str(payer.account_id) if payer.account_id else None
        found = [
            _layer("global", "points", "all", limits.all),
            _layer("address", "points", network, limits.address),
            _layer("account", "points", account, limits.account, granted)
            if account
            else _layer("anonymous", "points", network, limits.anonymous),
            _layer("ingest", "bytes", account or network, limits.ingest, granted),
        ]
        return tuple(layer for layer in found if layer)


def _layer(
    name: LayerName, unit: Unit, subject: str, limit: Limit | None, granted: Mapping[str, Limit] | None = None
) -> Layer | None:
    closed = bool(limit and limit.closed)
    if granted:
        limit = granted.get(name, limit)
    if not limit:
        return None
    # One hash tag for all, so that one script may use them together (Redis Cluster specification, "Hash tags").
    key = f"cloudkeep:{{budget}}:{name}:{subject}"
    return Layer(name, unit, Bucket(key, limit.capacity, limit.refill), closed)
