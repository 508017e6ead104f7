"""Links begin with the host that a trusted proxy reports, if this host is allowed."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.cloudkeep.http.raw_requests import ask, base_of_slots
from tests.support.backends.databases import Databases
from tests.support.shared_server import SharedServer, shared_server

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def proxied(tmp_path_factory: pytest.TempPathFactory, databases: Databases) -> AsyncIterator[SharedServer]:
    """A server with another host name, which trusts this machine as its proxy."""
    folder = tmp_path_factory.mktemp("proxied")
    async with shared_server(folder, databases, allowed_hosts=("nas.lan",), trusted_proxies=("127.0.0.1",)) as running:
        yield running


@pytest.mark.parametrize(
    ("headers", "base"),
    [
        (["Host: nas.lan", "X-Forwarded-Proto: https"], "https://nas.lan"),
        (["Host: api:8000", "X-Forwarded-Host: nas.lan:444", "X-Forwarded-Proto: https"], "https://nas.lan:444"),
        # The value from the client is on the left.
        (["Host: api:8000", "X-Forwarded-Host: evil.example, nas.lan"], "http://nas.lan"),
        (["Host: nas.lan", "Forwarded: for=192.0.2.1;host=localhost;proto=https"], "http://nas.lan"),
    ],
    ids=str,
)
async def test_links_follow_what_a_trusted_proxy_reports(proxied: SharedServer, headers: list[str], base: str) -> None:
    assert await base_of_slots(proxied, *headers) == base


async def test_a_host_that_a_trusted_proxy_reports_has_to_be_allowed(proxied: SharedServer) -> None:
    answer = await ask(proxied, "GET /graphql HTTP/1.1\nHost: localhost\nX-Forwarded-Host: evil.example\n\n")
    assert answer.status == 421
    answer = await ask(proxied, "GET /graphql HTTP/1.1\nHost: localhost\nX-Forwarded-Host: a b\n\n")
    assert answer.status == 400
