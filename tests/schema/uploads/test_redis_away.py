"""Uploads work without Redis, which only holds data that may be lost."""

import asyncio

from storage.redis.valkey import EmbeddedValkey
from tests.support.server import PROGRESS, Api, Json, sse_events

CONTENT = b"x" * 150_000
ABORT = "mutation ($id: ID!) { abortUpload(input: {uploadId: $id}) { upload { status } userErrors { code } } }"


async def snapshot(api: Api, upload: Json) -> Json:
    """The first event of an upload's progress."""
    body = {"query": PROGRESS, "variables": {"id": upload["id"]}}
    async with api.http.stream("POST", "/graphql", json=body, headers={"Accept": "text/event-stream"}) as response:
        event = await anext(sse_events(response))
    frame: Json = event["data"]["uploadProgress"]
    return frame


async def test_chunks_are_accepted_without_redis(api: Api, valkey: EmbeddedValkey) -> None:
    await valkey.stop()
    upload = await api.upload(CONTENT, chunkSize=100_000)
    assert (await api.look(upload["id"]))["status"] == "REASSEMBLING"


async def test_uploads_are_aborted_without_redis(api: Api, valkey: EmbeddedValkey) -> None:
    upload = await api.init(CONTENT)
    await valkey.stop()
    assert (await api.data(ABORT, id=upload["id"]))["upload"]["status"] == "ABORTED"


async def test_a_subscription_shows_the_state_of_an_upload_without_redis(api: Api, valkey: EmbeddedValkey) -> None:
    upload = await api.init(CONTENT, chunkSize=100_000)
    await valkey.stop()
    await api.put(upload["slots"]["nodes"][0], CONTENT)
    assert (await snapshot(api, upload))["bytesDone"] == 100_000


async def test_a_subscription_ends_with_the_upload_after_redis_is_back(
    api: Api, worker: None, valkey: EmbeddedValkey
) -> None:
    upload = await api.init(CONTENT, chunkSize=100_000)
    watching = asyncio.create_task(api.frames(upload["id"]))
    await snapshot(api, upload)
    await valkey.stop()
    for slot in upload["slots"]["nodes"]:
        assert (await api.put(slot, CONTENT)).status_code == 200
    await valkey.start()
    assert (await watching)[-1]["stage"] == "READY"
