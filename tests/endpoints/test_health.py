"""The health checks of liveness and readiness."""

import shutil

import httpx

from cloudkeep.settings.settings import Settings
from storage.redis.valkey import EmbeddedValkey
from tests.support.server import Api
from tests.support.waiting import eventually, nothing_is_away


async def missing(http: httpx.AsyncClient) -> str:
    """The parts that the server reports as missing."""
    response = await http.get("/readyz")
    assert response.status_code == 503
    assert response.headers["Retry-After"] == "1"
    assert response.json()["code"] == "NOT_READY"
    detail: str = response.json()["detail"]
    return detail


async def degraded(http: httpx.AsyncClient) -> object:
    """The parts that the server reports as degraded; None if there are none."""
    response = await http.get("/readyz")
    assert response.status_code == 200
    assert response.json()["status"] == "ready"
    return response.json().get("degraded")


async def become_whole(http: httpx.AsyncClient) -> None:
    async def look() -> bool:
        return nothing_is_away(await http.get("/readyz"))

    await eventually(look)


async def test_a_server_without_a_worker_is_ready_and_degraded(http: httpx.AsyncClient) -> None:
    assert (await http.get("/healthz")).json() == {"status": "ok"}
    assert (await http.head("/healthz")).status_code == 200
    assert await degraded(http) == ["worker"]


async def test_a_server_with_a_worker_is_ready(http: httpx.AsyncClient, worker: None) -> None:
    await become_whole(http)
    assert (await http.get("/readyz")).json() == {"status": "ready"}


async def test_a_lost_redis_is_named_and_takes_no_server_away(
    http: httpx.AsyncClient, worker: None, valkey: EmbeddedValkey
) -> None:
    """All servers lose it at the same moment, so a balancer would have none left."""
    await become_whole(http)
    await valkey.stop()
    assert await degraded(http) == ["redis", "worker"]
    await valkey.start()
    await become_whole(http)


async def test_who_is_ready_without_redis_and_a_worker_takes_uploads(api: Api, valkey: EmbeddedValkey) -> None:
    await valkey.stop()
    assert await degraded(api.http) == ["redis", "worker"]
    upload = await api.upload(b"taken all the same")
    assert (await api.look(upload["id"]))["status"] == "REASSEMBLING"


async def test_a_lost_blob_folder_is_named(http: httpx.AsyncClient, settings: Settings) -> None:
    shutil.rmtree(settings.data_dir / "blobs")
    assert await missing(http) == "Not ready: blobs, worker."


async def test_the_server_lives_whatever_is_missing(http: httpx.AsyncClient, valkey: EmbeddedValkey) -> None:
    await valkey.stop()
    assert (await http.get("/healthz")).status_code == 200
