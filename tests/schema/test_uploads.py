"""Uploads through the GraphQL schema."""

from tests.support.server import Api


async def test_a_file_that_was_sent_is_ready_and_downloads_as_it_was(api: Api, worker: None) -> None:
    content = b"some bytes" * 30_000
    upload = await api.upload(content, chunkSize=100_000)
    frames = await api.frames(upload["id"])
    assert frames[-1]["stage"] == "READY"
    file = (await api.look(upload["id"]))["file"]
    assert (await api.http.get(file["downloadUrl"])).content == content
