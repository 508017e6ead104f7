"""The small HTTP server of a worker has the limits of the API: heads, connections and hosts."""

import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from cloudkeep.settings.settings import Settings
from cloudkeep.supervisor.worker_http import CONNECTIONS, serve_worker_http
from cloudkeep.telemetry.metrics import Metrics
from tests.endpoints.wire import connect, head

EVIL = "evil.example"


@pytest_asyncio.fixture
async def url(tmp_path: Path) -> AsyncIterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    settings = Settings(data_dir=tmp_path, worker_port=port)
    async with serve_worker_http(settings, Metrics()):
        yield f"http://127.0.0.1:{port}"


async def test_metrics_are_only_for_the_names_of_the_server(url: str) -> None:
    """A page whose name was made to resolve to this machine (DNS rebinding) sends its own name as Host."""
    for host, status in ((EVIL, 421), (f"{EVIL}:8000", 421), ("localhost", 200)):
        async with connect(url) as wire:
            await wire.send(f"GET /metrics HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\n\r\n".encode())
            assert (await wire.answer()).status == status


async def test_a_head_without_an_end_is_refused(url: str) -> None:
    async with connect(url) as wire:
        await wire.send(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n" + b"X: a\r\n" * 101)
        assert (await wire.answer()).status == 431
        assert await wire.closed()


@pytest.mark.parametrize("upgrade", ["websocket", "h2c"])
async def test_an_upgrade_is_ignored(url: str, upgrade: str) -> None:
    async with connect(url) as wire:
        for _ in range(2):
            await wire.send(head("GET", f"{url}/healthz", Connection="Upgrade", Upgrade=upgrade))
            assert (await wire.answer()).status == 200


async def test_idle_connections_do_not_lock_out_a_probe(url: str) -> None:
    opened = [await socket_to(url) for _ in range(CONNECTIONS + 10)]
    async with connect(url) as wire:
        await wire.send(head("GET", f"{url}/healthz"))
        assert (await wire.answer()).status == 200
    for each in opened:
        each.close()


async def socket_to(url: str) -> socket.socket:
    return socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])))
