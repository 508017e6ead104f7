"""The proxies whose headers name the client."""

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_network

from cloudkeep.settings.parsers import UNIX
from services.core.hosts import Address, parse_address

#: The number of peers whose parsed address is cached: about as many as a process has connections.
_CACHE_SIZE = 4096
_IPV4_MAPPED = IPv6Network("::ffff:0:0/96")


class TrustedProxies:
    """``trusted`` has addresses, networks and ``unix``, which stands for every peer on a unix socket."""

    def __init__(self, trusted: Sequence[str]) -> None:
        self._trusts_unix = UNIX in trusted
        self._networks = tuple(_parse_network(each) for each in trusted if each != UNIX)
        self._parsed = lru_cache(_CACHE_SIZE)(self._parse)

    def peer(self, host: str | None) -> tuple[Address | None, bool]:
        """The address of a peer, and whether it is trusted. ``host`` is None on a unix socket."""
        return (None, self._trusts_unix) if host is None else self._parsed(host)

    def trusts_peer(self, host: str | None) -> bool:
        """Whether a peer is trusted. ``host`` is None on a unix socket."""
        return self.peer(host)[1]

    def trusts(self, address: Address) -> bool:
        """Whether an address is that of a trusted proxy."""
        return any(address in network for network in self._networks)

    def _parse(self, host: str) -> tuple[Address | None, bool]:
        address = parse_address(host)
        return address, address is not None and self.trusts(address)


def _parse_network(text: str) -> IPv4Network | IPv6Network:
    network = ip_network(text)
    if isinstance(network, IPv6Network) and network.subnet_of(_IPV4_MAPPED):
        return IPv4Network((int(network.network_address) & 0xFFFFFFFF, network.prefixlen - 96))
    return network
