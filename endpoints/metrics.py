"""``/metrics``, for Prometheus and other clients in the operator's networks."""

from collections.abc import Awaitable, Callable, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from starlette.requests import Request
from starlette.responses import Response

from endpoints.problems import problem
from services.core.errors import ErrorCode

#: Headers that proxies add.
PROXY_HEADERS = frozenset({"forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip"})

#: Takes an Accept header; returns the metrics and their media type.
Exposition = Callable[[str], Awaitable[tuple[bytes, str]]]


def metrics_endpoint(exposition: Exposition, networks: Sequence[str]) -> Callable[[Request], Awaitable[Response]]:
    """The endpoint, open to clients in these networks."""
    allowed = tuple(ip_network(network) for network in networks)

    async def metrics(request: Request) -> Response:
        if not _has_own_address(request) or not _is_in(request, allowed):
            return problem(403, ErrorCode.FORBIDDEN.value, "This address may not read the metrics.")
        content, media_type = await exposition(request.headers.get("accept", "").lower())
        return Response(content, headers={"Content-Type": media_type, "Cache-Control": "no-store"})

    return metrics


def _is_in(request: Request, networks: Sequence[IPv4Network | IPv6Network]) -> bool:
    try:
        address = ip_address(request.client.host if request.client else "")
    except ValueError:
        return False
    return any(address in network for network in networks)


def _has_own_address(request: Request) -> bool:
    """Whether the address is the client's own.

    Through a proxy on this machine that is not trusted, all requests would seem to come from here. An address that a
    trusted proxy reported has the port 0.
    """
    is_reported = request.client is not None and request.client.port == 0
    return is_reported or PROXY_HEADERS.isdisjoint(request.headers.keys())
