"""The client's address, scheme and Host behind proxies, as the trusted proxies report them.

The header is read from the right, past the trusted proxies, to the first address that is not trusted: the client's.
Everything to the left of it is from the client, and may be anything. Only one header is trusted: a proxy that manages
``X-Forwarded-For`` passes ``Forwarded`` on as the client has sent it, and vice versa.
"""

from collections.abc import Iterator, Sequence
from itertools import islice

from starlette.types import ASGIApp, Receive, Scope, Send

from cloudkeep.http.forwarded_header import ForwardedElement, parse_forwarded, parse_x_forwarded_for
from cloudkeep.http.trusted_proxies import TrustedProxies
from cloudkeep.settings.types import ProxyHeader
from services.core.hosts import Address

#: The number of elements that are read, from the right. A client can send any number of them, but no request passes
#: this many proxies.
MAX_ELEMENTS = 100
_SCHEMES = {"http": "http", "https": "https", "ws": "http", "wss": "https"}
_WEBSOCKET_SCHEMES = {"http": "ws", "https": "wss"}


class ProxyHeaders:
    """ASGI middleware that gives requests and WebSockets the ``client``, ``scheme`` and Host that proxies report.

    ``trusted`` has addresses, networks and ``unix``, which stands for every peer on a unix socket. ``header`` is the
    header that these proxies manage. Addresses are normalized: IPv4 mapped to IPv6 becomes IPv4, and zones are removed.
    The client's port is 0 unless the client is the peer itself.
    """

    def __init__(self, app: ASGIApp, trusted: Sequence[str], header: str) -> None:
        self._app = app
        self._proxies = TrustedProxies(trusted)
        self._header = header.lower().encode()
        self._parse = parse_forwarded if header == ProxyHeader.FORWARDED else parse_x_forwarded_for

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on as the first proxy received it."""
        if scope["type"] != "lifespan":
            scope = self._rewrite(scope)
        await self._app(scope, receive, send)

    def _rewrite(self, scope: Scope) -> Scope:
        client = scope.get("client")
        address, is_trusted = self._proxies.peer(client[0] if client else None)
        if is_trusted:
            return self._rewrite_by_header(scope, address)
        if not client or not address or (host := str(address)) == client[0]:
            return scope
        return {**scope, "client": (host, client[1])}

    def _rewrite_by_header(self, scope: Scope, peer: Address | None) -> Scope:
        values = [value.decode("latin-1") for name, value in scope["headers"] if name == self._header]
        elements = islice(self._parse(",".join(values)), MAX_ELEMENTS) if values else iter(())
        origin = self._origin(peer, elements)
        scheme = _SCHEMES.get((origin.scheme or self._nearest(scope, b"x-forwarded-proto") or "").lower())
        host = origin.host or self._nearest(scope, b"x-forwarded-host")
        rewritten = dict(scope)
        if origin.address != peer:
            rewritten["client"] = (str(origin.address), 0)
        elif peer:
            rewritten["client"] = (str(peer), scope["client"][1])
        if scheme:
            rewritten["scheme"] = _WEBSOCKET_SCHEMES[scheme] if scope["type"] == "websocket" else scheme
        if host:
            others = [header for header in scope["headers"] if header[0] != b"host"]
            rewritten["headers"] = [(b"host", host.encode("latin-1")), *others]
        return rewritten

    def _origin(self, peer: Address | None, elements: Iterator[ForwardedElement]) -> ForwardedElement:
        """The client: the first element from the right that is not a trusted proxy, or else the leftmost one."""
        address, scheme, host = peer, None, None
        for element in elements:
            scheme, host = element.scheme or scheme, element.host or host
            if not element.address:
                break
            address = element.address
            if not self._proxies.trusts(address):
                break
        return ForwardedElement(address, scheme, host)

    def _nearest(self, scope: Scope, header: bytes) -> str | None:
        """The value that the nearest proxy has added to a header beside ``X-Forwarded-For``, if this is trusted."""
        if self._header != b"x-forwarded-for":
            return None
        values = [value for name, value in scope["headers"] if name == header]
        return values[-1].decode("latin-1").rpartition(",")[2].strip(" \t") if values else None
