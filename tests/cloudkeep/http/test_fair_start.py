"""A crowd of requests of one client does not keep those of another waiting."""

import asyncio

import pytest
from starlette.types import Receive, Scope, Send

from cloudkeep.http.fair_start import PER_TURN, FairStart
from cloudkeep.http.proxy_headers import ProxyHeaders

PROXY = ("127.0.0.1", 1)


async def _nothing(*_: object) -> None: ...


@pytest.mark.parametrize("kind", ["http", "websocket"])
async def test_requests_of_a_crowd_behind_a_proxy_start_after_that_of_another_client(kind: str) -> None:
    started: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        started.append(scope["client"][0])

    entry = ProxyHeaders(FairStart(app), [PROXY[0]], "X-Forwarded-For")
    clients = [*["192.0.2.1"] * 200, "192.0.2.2"]
    scopes = [
        {"type": kind, "client": PROXY, "scheme": "http", "headers": [(b"x-forwarded-for", client.encode())]}
        for client in clients
    ]
    await asyncio.gather(*[entry(scope, _nothing, _nothing) for scope in scopes])  # type: ignore[arg-type]
    assert len(started) == len(clients)
    assert started.index("192.0.2.2") <= 2 * PER_TURN
