"""Access to the metrics."""

from collections.abc import Sequence

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from endpoints.metrics import metrics_endpoint

LOOPBACK = ("127.0.0.0/8", "::1")


async def exposition(accept: str) -> tuple[bytes, str]:
    return accept.encode(), "text/plain; version=0"


async def ask(client: tuple[str, int], networks: Sequence[str] = LOOPBACK, **headers: str) -> httpx.Response:
    app = Starlette(routes=[Route("/metrics", metrics_endpoint(exposition, networks))])
    transport = httpx.ASGITransport(app, client=client)
    async with httpx.AsyncClient(transport=transport, base_url="http://drive") as http:
        return await http.get("/metrics", headers={"Accept": "text/plain", **headers})


@pytest.mark.parametrize(
    ("address", "networks", "status"),
    [
        ("127.0.0.1", LOOPBACK, 200),
        ("127.1.2.3", LOOPBACK, 200),
        ("::1", LOOPBACK, 200),
        ("10.0.0.1", LOOPBACK, 403),
        ("::2", LOOPBACK, 403),
        ("testclient", LOOPBACK, 403),
        ("", LOOPBACK, 403),
        ("10.0.0.1", ("10.0.0.0/8",), 200),
        ("127.0.0.1", ("10.0.0.0/8",), 403),
        ("2001:db8::1", ("2001:db8::/32", "10.0.0.0/8"), 200),
        ("127.0.0.1", (), 403),
    ],
)
async def test_the_operators_networks_may_read_them(address: str, networks: Sequence[str], status: int) -> None:
    response = await ask((address, 4711), networks)
    assert response.status_code == status
    if status == 200:
        assert (response.text, response.headers["Content-Type"]) == ("text/plain", "text/plain; version=0")
    else:
        assert response.json()["code"] == "FORBIDDEN"


@pytest.mark.parametrize("header", ["Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Proto", "X-Real-IP"])
async def test_a_request_by_an_untrusted_proxy_does_not_count_as_local(header: str) -> None:
    assert (await ask(("127.0.0.1", 4711), **{header: "127.0.0.1"})).status_code == 403
    assert (await ask(("127.0.0.1", 0), **{header: "127.0.0.1"})).status_code == 200
