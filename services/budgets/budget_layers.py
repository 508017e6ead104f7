"""The layers of budgets: the buckets from which a payer pays."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv6Address, ip_address
from typing import Protocol
from uuid import UUID

from services.budgets.limits import LayerName, LayerStatus, Limit, Limits, Payer, Unit
from storage.token_buckets import Bucket

#: A customer with IPv6 has at least this whole network (RFC 6177), so a single address does not identify one.
IPV6_NETWORK_BITS = 64


@dataclass(frozen=True, slots=True)
class Layer:
    """The bucket of a payer in a layer."""

    name: LayerName
    unit: Unit
    bucket: Bucket
    closed: bool

    def status(self, level: float) -> LayerStatus:
        """The status of a bucket that holds ``level``."""
        return LayerStatus(self.name, self.bucket.capacity, int(level), self.bucket.refill, self.unit)


class OverrideSource(Protocol):
    """Provides the limits of accounts that have their own."""

    async def limits_of(self, account_id: UUID) -> Mapping[str, Limit] | None:
        """The limits that an operator granted, by the name of the layer (``account``, ``ingest``).

        None if there are none, as for almost every account. Called for every request, so it must be fast. An override
        does not change whether a layer is closed while the buckets are unavailable.
        """
        ...


@lru_cache(maxsize=10_000)
def client_network(address: str) -> str:
    """The unit that counts as one client: an IPv4 address, also one that is mapped to IPv6, or an IPv6 network.

    Other text, such as the peer of a unix socket, is returned unchanged.
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
    """Finds the layers in which a payer pays."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._cached = lru_cache(maxsize=10_000)(self.layers_of)

    def default_layers(self, payer: Payer) -> tuple[Layer, ...]:
        """The layers of a payer without overrides."""
        return self._cached(payer)

    def layers_of(self, payer: Payer, overrides: Mapping[str, Limit] | None = None) -> tuple[Layer, ...]:
        """The layers of a payer. The layer in bytes comes last."""
        network = client_network(payer.address)
        limits = self._limits
        account = str(payer.account_id) if payer.account_id else None
        layers = [
            _layer("global", "points", "all", limits.all),
            _layer("address", "points", network, limits.address),
            _layer("account", "points", account, limits.account, overrides)
            if account
            else _layer("anonymous", "points", network, limits.anonymous),
            self._of_token(payer, overrides),
            _layer("ingest", "bytes", account or network, limits.ingest, overrides),
        ]
        return tuple(layer for layer in layers if layer)

    def _of_token(self, payer: Payer, overrides: Mapping[str, Limit] | None) -> Layer | None:
        """The bucket of an API token, which never holds more than half of what the account's does.

        Otherwise a grant of little, or a setting, could let one program use up all points of its owner.
        """
        limit = self._limits.api_token
        if payer.api_token_id is None or limit is None:
            return None
        account = (overrides or {}).get("account", self._limits.account)
        if account:
            capacity, refill = min(limit.capacity, account.capacity // 2), min(limit.refill, account.refill / 2)
            limit = Limit(capacity, refill, limit.closed)
        return _layer("token", "points", str(payer.api_token_id), limit)


def _layer(
    name: LayerName, unit: Unit, subject: str, limit: Limit | None, overrides: Mapping[str, Limit] | None = None
) -> Layer | None:
    closed = bool(limit and limit.closed)
    if overrides:
        limit = overrides.get(name, limit)
    if not limit:
        return None
    # One hash tag for all, so that one script can use them together (Redis Cluster specification, "Hash tags").
    key = f"cloudkeep:{{budget}}:{name}:{subject}"
    return Layer(name, unit, Bucket(key, limit.capacity, limit.refill), closed)
