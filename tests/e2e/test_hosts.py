"""Two servers as on two hosts, with one database, one store and one Redis: clients may use either."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from storage.redis.valkey import EmbeddedValkey
from tests.e2e.conftest import sign_up
from tests.support.process import ServeProcess, free_port, serving
from tests.support.server import PROGRESS, Api, Json, http_client, sse_events
from tests.support.waiting import eventually

CHUNK = 64 * 1024
CONTENT = bytes(range(256)) * 768
KEYS = "one:a secret that all hosts share which is long"


@pytest.fixture
async def hosts(
    tmp_path: Path, empty_database: str, valkey: EmbeddedValkey
) -> AsyncIterator[tuple[ServeProcess, ServeProcess]]:
    """The first host has only an API, the second also a worker."""
    common = {
        "DATABASE_URL": empty_database,
        "BLOB_URL": (tmp_path / "blobs").as_uri(),
        "REDIS_URL": valkey.url,
        "SECRET_KEYS": KEYS,
    }
    given = {f"CLOUDKEEP_{name}": value for name, value in common.items()}
    with ExitStack() as stack:
        second = stack.enter_context(serving(tmp_path / "second", free_port(), (), **given))
        first = stack.enter_context(serving(tmp_path / "first", free_port(), (), CLOUDKEEP_JOB_WORKERS="0", **given))
        yield first, second


async def watch(http: httpx.AsyncClient, upload_id: str, frames: list[Json]) -> None:
    """Add every frame, from the last one's cursor on, until the server is gone or it was the last."""
    after = frames[-1]["cursor"] if frames else None
    asked = {"query": PROGRESS, "variables": {"id": upload_id, "after": after}}
    try:
        async with http.stream("POST", "/graphql", json=asked, headers={"Accept": "text/event-stream"}) as response:
            async for event in sse_events(response):
                frames += [event["data"]["uploadProgress"]]
    except httpx.TransportError:
        return


async def test_a_subscriber_continues_at_another_host_and_misses_nothing(
    hosts: tuple[ServeProcess, ServeProcess], valkey: EmbeddedValkey
) -> None:
    first, second = hosts
    async with http_client(first.url, timeout=60) as one, http_client(second.url, timeout=60) as other:
        person = await sign_up(one, first)
        other.headers["Authorization"] = one.headers["Authorization"]
        there = Api(other)
        made = await there.init(CONTENT, chunkSize=CHUNK)
        slots = made["slots"]["nodes"]
        frames: list[Json] = []
        watching = asyncio.create_task(watch(one, made["id"], frames))

        async def bytes_seen(count: int) -> bool:
            return bool(frames) and frames[-1]["bytesDone"] == count

        await eventually(lambda: bytes_seen(0))
        # Sent to one host, watched at the other.
        assert (await there.put(slots[0], CONTENT)).status_code == 200
        await eventually(lambda: bytes_seen(CHUNK))
        os.kill(first.child("api").pid, signal.SIGKILL)
        await watching
        assert (await there.put(slots[1], CONTENT)).status_code == 200
        watching = asyncio.create_task(watch(other, made["id"], frames))
        await eventually(lambda: bytes_seen(2 * CHUNK))
        valkey.kill()
        await valkey.wait()
        await valkey.start()
        assert (await there.put(slots[2], CONTENT)).status_code == 200
        await asyncio.wait_for(watching, 60)
        stages = list(dict.fromkeys(frame["stage"] for frame in frames))
        assert stages == ["RECEIVING", "REASSEMBLING", "READY"]
        # The first host has a new API process by now, which knows the file as well.
        await eventually(lambda: _is_there(person, made["id"]))


async def _is_there(person: Api, upload_id: str) -> bool:
    try:
        return bool((await person.look(upload_id))["file"])
    except httpx.TransportError:
        return False
