"""Who a request comes from when proxies stand in between: what the trusted ones say of it, and nothing else.

The header is read from the right, past the proxies that we trust, to the first address that is not one of them. What
stands left of that was written by the client, who may have written anything. One header alone is believed: a proxy that
manages ``X-Forwarded-For`` passes ``Forwarded`` on as the client wrote it, and the other way round.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_network
from itertools import islice

from starlette.types import ASGIApp, Receive, Scope, Send

from cloudkeep.http.forwarded_header import Address, Hop, forwarded, parse_address, x_forwarded_for
from cloudkeep.settings.parsers import UNIX
from cloudkeep.settings.types import ProxyHeader

#: Nobody has so many proxies, but anybody can write so many addresses: of a longer way only the end is read.
MOST_HOPS = 100
#: Peers that were met lately; as many as a process has connections, about.
_REMEMBERED = 4096
_IPV4_MAPPED = IPv6Network("::ffff:0:0/96")
_SCHEMES = {"http": "http", "https": "https", "ws": "http", "wss": "https"}
_WEBSOCKET = {"http": "ws", "https": "wss"}


class ProxyHeaders:
    """ASGI middleware that gives requests and WebSockets the ``client`` and the ``scheme`` that trusted proxies tell.

    ``trusted`` are addresses, networks and ``unix``, which stands for every peer on a unix socket; ``header`` is the
    one that they manage. A client's address is written in one way only: IPv4 mapped into IPv6 is IPv4, and zones are
    left out. Its port is 0 unless it is the peer's own.
    """

    def __init__(self, app: ASGIApp, trusted: Sequence[str], header: str) -> None:
        self._app = app
        self._unix = UNIX in trusted
        self._networks = tuple(_network(each) for each in trusted if each != UNIX)
        self._header = header.lower().encode()
        self._hops = forwarded if header == ProxyHeader.FORWARDED else x_forwarded_for
        self._peer = lru_cache(_REMEMBERED)(self._look_at)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on as it was at the first proxy."""
        if scope["type"] != "lifespan":
            scope = self._seen(scope)
        await self._app(scope, receive, send)

    def _seen(self, scope: Scope) -> Scope:
        client = scope.get("client")
        address, trusted = self._peer(client[0]) if client else (None, self._unix)
        if trusted:
            return self._told(scope, address)
        if not client or not address or (host := str(address)) == client[0]:
            return scope
        return {**scope, "client": (host, client[1])}

    def _told(self, scope: Scope, peer: Address | None) -> Scope:
        values = [value.decode("latin-1") for name, value in scope["headers"] if name == self._header]
        told = self._origin(peer, islice(self._hops(",".join(values)), MOST_HOPS)) if values else Hop(peer)
        scheme = _SCHEMES.get((told.scheme or self._proto(scope) or "").lower())
        seen = dict(scope)
        if told.address != peer:
            seen["client"] = (str(told.address), 0)
        elif peer:
            seen["client"] = (str(peer), scope["client"][1])
        if scheme:
            seen["scheme"] = _WEBSOCKET[scheme] if scope["type"] == "websocket" else scheme
        return seen

    def _origin(self, peer: Address | None, hops: Iterator[Hop]) -> Hop:
        """The last hop that can be believed: the first one that we do not trust, or the last one that we do."""
        address, scheme = peer, None
        for hop in hops:
            scheme = hop.scheme or scheme
            if not hop.address:
                break
            address = hop.address
            if not self._trusts(address):
                break
        return Hop(address, scheme)

    def _proto(self, scope: Scope) -> str | None:
        """What the nearest proxy wrote, where ``X-Forwarded-For`` is believed."""
        if self._header != b"x-forwarded-for":
            return None
        values = [value for name, value in scope["headers"] if name == b"x-forwarded-proto"]
        return values[-1].decode("latin-1").rpartition(",")[2].strip(" \t") if values else None

    def _look_at(self, host: str) -> tuple[Address | None, bool]:
        address = parse_address(host)
        return address, address is not None and self._trusts(address)

    def _trusts(self, address: Address) -> bool:
        return any(address in network for network in self._networks)


def _network(text: str) -> IPv4Network | IPv6Network:
    network = ip_network(text)
    if isinstance(network, IPv6Network) and network.subnet_of(_IPV4_MAPPED):
        return IPv4Network((int(network.network_address) & 0xFFFFFFFF, network.prefixlen - 96))
    return network
