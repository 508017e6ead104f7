"""A rolling restart under load: no request fails, no upload is lost, and every subscription goes on."""

import asyncio
import json
import os
import signal
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from bench.harness import npm
from tests.clients.conftest import HERE as CLIENTS
from tests.e2e.conftest import sign_up
from tests.support.process import ServeProcess, serving
from tests.support.server import PROGRESS, Api, Json, digest, http_client, part_of
from tests.support.waiting import eventually

CHUNK = 64 * 1024
CONTENT = bytes(range(256)) * 1024
FOLLOWERS = 2


async def repeatedly(act: Callable[[], Awaitable[object]], stop: asyncio.Event) -> int:
    """Repeat a request and count successes; the first failure ends the test."""
    count = 0
    while not stop.is_set():
        await act()
        count += 1
    return count


async def upload(person: Api) -> None:
    made = await person.upload(os.urandom(2 * CHUNK), chunkSize=CHUNK)
    assert made["chunkCount"] == 2


async def send_slowly(person: Api, slot: Json, go_on: asyncio.Event) -> int:
    """Send half of a chunk before an event and half after it. Returns the status of the answer."""
    part = part_of(slot, CONTENT)

    async def body() -> AsyncIterator[bytes]:
        yield part[:1000]
        await go_on.wait()
        yield part[1000:]

    response = await person.http.put(slot["url"], content=body(), headers={"Content-Length": str(len(part))})
    return response.status_code


@asynccontextmanager
async def following(process: ServeProcess, person: Api, upload_id: str) -> AsyncIterator[Process]:
    """npm's clients, which have had their first frame."""
    folder = npm.install(CLIENTS / "npm", CLIENTS / ".cache")
    token = person.http.headers["Authorization"].removeprefix("Bearer ")
    operation = {"query": PROGRESS, "variables": {"id": upload_id}}
    asked = json.dumps({"url": f"{process.url}/graphql", "token": token, "operation": operation})
    node = await asyncio.create_subprocess_exec(npm.node(), str(folder / "follow.js"), asked, stdout=PIPE)
    try:
        assert node.stdout
        for _ in range(FOLLOWERS):
            assert b"follows" in await asyncio.wait_for(node.stdout.readline(), 60)
        yield node
    finally:
        if node.returncode is None:
            node.kill()
        await node.wait()


async def test_a_rolling_restart_under_load_loses_nothing(tmp_path: Path, empty_database: str) -> None:
    with serving(tmp_path, CLOUDKEEP_DATABASE_URL=empty_database) as process:
        async with http_client(process.url, timeout=60) as http, http_client(process.url, timeout=60) as slow:
            person = await sign_up(http, process)
            slow.headers["Authorization"] = http.headers["Authorization"]
            made = await person.init(CONTENT, chunkSize=CHUNK)
            first, *middle, last = made["slots"]["nodes"]
            assert (await person.put(first, CONTENT)).status_code == 200
            async with following(process, person, made["id"]) as node:
                before = {
                    child.pid for child in process.descendants() if "cloudkeep.supervisor.entrypoint" in child.cmdline()
                }
                stop, go_on = asyncio.Event(), asyncio.Event()
                async with asyncio.TaskGroup() as group:
                    loads = [
                        group.create_task(repeatedly(lambda: person.data("{ me { userId } }"), stop)),
                        group.create_task(repeatedly(lambda: upload(person), stop)),
                    ]
                    slowly = group.create_task(send_slowly(Api(slow), middle[0], go_on))
                    os.kill(process.pid, signal.SIGUSR1)

                    async def done() -> bool:
                        return "rolling restart: done" in process.output()

                    await eventually(done)
                    go_on.set()
                    assert await slowly == 200

                    async def replaced() -> bool:
                        return before.isdisjoint(child.pid for child in process.descendants())

                    await eventually(replaced)
                    stop.set()
                assert all(load.result() for load in loads)
                for slot in (*middle[1:], last):
                    assert (await person.put(slot, CONTENT)).status_code == 200
                assert node.stdout
                told = json.loads(await asyncio.wait_for(node.stdout.read(), 60))
            file = (await person.look(made["id"]))["file"]
            assert file["sha256"] == digest(CONTENT)
            # One more than the first one: the WebSocket was asked to connect again.
            assert told["connections"] == 2
            for outcome in told["outcomes"]:
                assert outcome["error"] is None, outcome
                assert outcome["results"][-1]["data"]["uploadProgress"]["stage"] == "READY"
