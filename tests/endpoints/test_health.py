"""Whether the server lives, and whether it can work."""

import asyncio
import shutil

import httpx

from cloudkeep.settings import Settings
from storage.valkey import EmbeddedValkey


async def missing(http: httpx.AsyncClient) -> str:
    """What the server says it lacks."""
    response = await http.get("/readyz")
    assert response.status_code == 503
    assert response.headers["Retry-After"] == "1"
    assert response.json()["code"] == "NOT_READY"
    detail: str = response.json()["detail"]
    return detail


async def become_ready(http: httpx.AsyncClient) -> None:
    async with asyncio.timeout(10):
        while (await http.get("/readyz")).status_code != 200:
            await asyncio.sleep(0.01)


async def test_a_server_without_a_worker_lives_but_is_not_ready(http: httpx.AsyncClient) -> None:
    assert (await http.get("/healthz")).json() == {"status": "ok"}
    assert (await http.head("/healthz")).status_code == 200
    assert await missing(http) == "Not ready: worker."


async def test_a_server_with_a_worker_is_ready(http: httpx.AsyncClient, worker: None) -> None:
    await become_ready(http)
    assert (await http.get("/readyz")).json() == {"status": "ready"}


async def test_a_lost_redis_is_named_and_its_return_noticed(
    http: httpx.AsyncClient, worker: None, valkey: EmbeddedValkey
) -> None:
    await become_ready(http)
    await valkey.stop()
    assert await missing(http) == "Not ready: redis, worker."
    await valkey.start()
    await become_ready(http)


async def test_a_lost_blob_folder_is_named(http: httpx.AsyncClient, settings: Settings) -> None:
    shutil.rmtree(settings.data_dir / "blobs")
    assert await missing(http) == "Not ready: blobs, worker."


async def test_the_server_lives_whatever_is_missing(http: httpx.AsyncClient, valkey: EmbeddedValkey) -> None:
    await valkey.stop()
    assert (await http.get("/healthz")).status_code == 200
