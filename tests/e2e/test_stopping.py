"""A host that gets SIGTERM while its balancer still sends requests to it: none of them is lost."""

import asyncio
import signal
from pathlib import Path

from storage.redis.valkey import EmbeddedValkey
from tests.e2e.test_hosts import KEYS
from tests.scale.balancer import balancing
from tests.support.process import free_port, serving
from tests.support.server import http_client


async def ask(url: str, stop: asyncio.Event) -> int:
    """Send requests without a pause, over persistent and single-use connections. Returns their number."""
    count = 0
    async with http_client(url, timeout=60) as http:
        while not stop.is_set():
            headers = {"Connection": "close"} if count % 3 else {}
            answer = await http.post("/graphql", json={"query": "{ __typename }"}, headers=headers)
            assert answer.status_code == 200, answer.text
            count += 1
    return count


async def test_a_host_that_is_stopped_loses_no_request_of_its_balancer(
    tmp_path: Path, empty_database: str, valkey: EmbeddedValkey
) -> None:
    given = {
        "CLOUDKEEP_DATABASE_URL": empty_database,
        "CLOUDKEEP_BLOB_URL": (tmp_path / "blobs").as_uri(),
        "CLOUDKEEP_REDIS_URL": valkey.url,
        "CLOUDKEEP_SECRET_KEYS": KEYS,
        "CLOUDKEEP_DRAIN_SECONDS": "0.5",
        "CLOUDKEEP_BUDGET_ADDRESS": "off",
        "CLOUDKEEP_BUDGET_ANONYMOUS": "off",
    }
    ports = free_port(), free_port()
    with (
        serving(tmp_path / "one", ports[0], (), CLOUDKEEP_WORKERS="2", **given) as one,
        serving(tmp_path / "other", ports[1], (), CLOUDKEEP_JOB_WORKERS="0", **given),
    ):
        async with balancing(ports) as url:
            stop = asyncio.Event()
            asking = [asyncio.create_task(ask(url, stop)) for _ in range(8)]
            assert await asyncio.to_thread(one.stop, signal.SIGTERM) == 0
            stop.set()
            assert all(await asyncio.gather(*asking))
