"""Refuses requests for hosts that are not allowed, before any other part of the request is processed."""

import logging
from dataclasses import dataclass
from functools import lru_cache, partial

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from cloudkeep.http.allowed_hosts import AllowedHosts
from cloudkeep.settings.settings import PREFIX
from endpoints.problems import problem
from endpoints.routes import find_route
from endpoints.state import BASE_URL
from services.core.errors import ErrorCode
from services.core.hosts import parse_authority

#: Each process logs a host once, and at most this many hosts, because clients can send any number of names.
MAX_LOGGED = 20
#: Nearly all requests have one of a few hosts.
CACHED = 128
_HTTP_SCHEMES = {"ws": "http", "wss": "https"}

_log = logging.getLogger(__name__)


class HostCheck:
    """ASGI middleware for requests and WebSockets. It stores the base URL for links in the response.

    A host that is not allowed gets 421 Misdirected Request (RFC 9110, section 15.5.20). A Host that is missing, doubled
    or malformed gets 400 (RFC 9112, section 3.2). HTTP/1.0 has no Host; such a request is for ``PUBLIC_URL``.
    """

    def __init__(self, app: ASGIApp, hosts: AllowedHosts) -> None:
        self._app = app
        self._hosts = hosts
        self._logged: set[str] = set()
        self._examine = lru_cache(CACHED)(partial(_examine, hosts))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        result = self._judge(scope)
        if isinstance(result, Response):
            await result(scope, receive, send)
            return
        state = {**scope.get("state", {}), BASE_URL: result}
        await self._app({**scope, "state": state}, receive, send)

    def _judge(self, scope: Scope) -> str | Response:
        """The base URL for links in the response, or a refusal."""
        values = [value for name, value in scope["headers"] if name == b"host"]
        if not values and scope.get("http_version") == "1.0":
            return self._hosts.public_url
        server = scope.get("server")
        try:
            (value,) = values
            examined = self._examine(value, server[0] if server else "", scope["scheme"])
        except ValueError:
            return problem(400, ErrorCode.MALFORMED_REQUEST.value, "A request has one Host header, host or host:port.")
        if not examined.is_allowed and not _answers_any_host(scope["path"]):
            return self._refusal(examined.host)
        return examined.base_url

    def _refusal(self, host: str) -> Response:
        if host not in self._logged and len(self._logged) < MAX_LOGGED:
            self._logged.add(host)
            _log.warning("refused a request for the host %s, which is not in %sALLOWED_HOSTS", host, PREFIX)
        detail = (
            f"This server does not answer for the host {host}. "
            f"Its operator can allow it by {PREFIX}ALLOWED_HOSTS or {PREFIX}PUBLIC_URL."
        )
        return problem(421, ErrorCode.HOST_NOT_ALLOWED.value, detail)


@dataclass(frozen=True)
class _Examined:
    """A Host header that was parsed."""

    host: str
    is_allowed: bool
    base_url: str


def _examine(hosts: AllowedHosts, value: bytes, server: str, scheme: str) -> _Examined:
    """Parse a Host header of a request that arrived at the address ``server``. Raises ValueError if it is malformed."""
    authority = parse_authority(value.decode("ascii"))
    base_url = hosts.base_url(authority, _HTTP_SCHEMES.get(scheme, scheme))
    return _Examined(authority.host, hosts.allows(authority, server), base_url)


def _answers_any_host(path: str) -> bool:
    route = find_route(path)
    return route is not None and route.any_host
