"""An upload is resumed from another device, which only has the file and the user's password."""

from collections.abc import AsyncIterator

import pytest

from tests.support.server import PASSWORD, Api, digest, http_client

LOGIN = """mutation ($input: LoginInput!) { login(input: $input) { session { accessToken } userErrors { code } } }"""
OPEN = """{ uploads(status: RECEIVING) { nodes {
  id fileName receivedChunks slots(missing: true) { nodes { index offset size received url } } } } }"""
CONTENT = b"some bytes" * 30_000


@pytest.fixture
async def elsewhere(api: Api, server: str) -> AsyncIterator[Api]:
    """The same user, signed in on another device."""
    user_id = (await api.data("{ me { userId } }"))["userId"]
    async with http_client(server) as client:
        payload = await Api(client).data(LOGIN, input={"userId": user_id, "password": PASSWORD})
        client.headers["Authorization"] = f"Bearer {payload['session']['accessToken']}"
        yield Api(client)


async def test_another_device_finds_the_open_upload_and_sends_only_missing_chunks(
    api: Api, elsewhere: Api, worker: None
) -> None:
    begun = await api.init(CONTENT, chunkSize=100_000)
    assert (await api.put(begun["slots"]["nodes"][1], CONTENT)).status_code == 200
    (found,) = (await elsewhere.data(OPEN))["nodes"]
    assert (found["id"], [slot["index"] for slot in found["slots"]["nodes"]]) == (begun["id"], [0, 2])
    for slot in found["slots"]["nodes"]:
        assert (await elsewhere.put(slot, CONTENT)).status_code == 200
    assert (await elsewhere.frames(begun["id"]))[-1]["stage"] == "READY"
    assert (await api.look(begun["id"]))["file"]["sha256"] == digest(CONTENT)
    assert (await elsewhere.data(OPEN))["nodes"] == []


async def test_an_upload_of_the_same_file_is_resumed(api: Api, elsewhere: Api) -> None:
    arguments = {"sha256": digest(CONTENT), "chunkSize": 100_000}
    begun = await api.init(CONTENT, **arguments)
    assert (await api.put(begun["slots"]["nodes"][0], CONTENT)).status_code == 200
    again = await elsewhere.init(CONTENT, **arguments)
    assert (again["id"], again["receivedChunks"]) == (begun["id"], 1)
