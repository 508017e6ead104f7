"""An upload of a file that the account has already needs no chunks."""

import asyncio

from tests.support.clips import bikes
from tests.support.server import Api, digest


async def test_a_file_that_the_account_has_needs_no_chunks(api: Api, other: Api, worker: None) -> None:
    content = b"other bytes" * 30_000
    await api.frames((await api.upload(content, chunkSize=100_000))["id"])
    again = await api.init(content, chunkSize=100_000, fileName="again.bin", sha256=digest(content))
    assert (again["status"], again["receivedChunks"], again["receivedBytes"]) == ("READY", 4, len(content))
    look = await api.look(again["id"])
    assert (look["file"]["name"], look["slots"]["nodes"]) == ("again.bin", [])
    assert (await api.http.get(look["file"]["downloadUrl"])).content == content
    assert (await other.init(content, sha256=digest(content)))["status"] == "RECEIVING"


async def test_a_video_that_the_account_has_is_compressed_at_once(api: Api, worker: None) -> None:
    content = await asyncio.to_thread(bikes().read_bytes)
    await api.frames((await api.upload(content))["id"])
    again = await api.init(content, sha256=digest(content), compress={"preset": "FAST"})
    assert again["status"] == "COMPRESSING"
    assert (await api.frames(again["id"]))[-1]["stage"] == "READY"
    (rendition,) = (await api.look(again["id"]))["file"]["renditions"]
    assert rendition["recipe"] == "COMPRESSED_VIDEO"
