"""A client that sends in parallel and retries until its file has arrived."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from uuid import UUID

import httpx

from tests.support.clips import bikes
from tests.support.server import INIT, UPLOAD, Api, Json, digest, key_of, part_of
from tests.support.waiting import eventually

#: More than the server reads at once, so that a slot can be half full.
CHUNK = 3 * 512 * 1024
PARALLEL = 4
PATIENCE_SECONDS = 120.0
COMPRESS = {"preset": "FAST", "maxHeight": 144}
UNDER_WAY = {"RECEIVING", "REASSEMBLING", "COMPRESSING"}
TRIES = 600
AGAIN = {"SLOT_BUSY", "INTERNAL", "NOT_READY", "TEMPORARILY_UNAVAILABLE"}


@dataclass
class Sent:
    """A client's state of one upload: the content, and the digests of acknowledged slots."""

    content: bytes
    name: str
    compress: bool = False
    chunk_size: int = CHUNK
    #: Whether the store has damaged a chunk, whose slot may then be open again.
    damaged: bool = False
    upload_id: str = ""
    acknowledged: dict[int, str] = field(default_factory=dict)

    @property
    def key(self) -> UUID:
        """The key of the upload's row, which its files on the disk have as their names."""
        return key_of(self.upload_id)

    def parts(self) -> list[bytes]:
        """The chunks in order."""
        return [self.content[start : start + self.chunk_size] for start in range(0, len(self.content), self.chunk_size)]


def padded_clip(padding: int = 2 * CHUNK) -> bytes:
    """A real video, never the same twice: a ``free`` box of noise stands at its end."""
    noise = secrets.token_bytes(padding)
    return bikes().read_bytes() + (len(noise) + 8).to_bytes(4, "big") + b"free" + noise


async def persist(request: Callable[[], Awaitable[httpx.Response]]) -> httpx.Response:
    """The answer to a request that is sent again while the server is away, busy, or half there."""
    for _ in range(TRIES):
        try:
            answer = await request()
        except httpx.TransportError:
            await asyncio.sleep(0.1)
            continue
        if answer.status_code < 500 and answer.json().get("code") not in AGAIN:
            return answer
        await asyncio.sleep(0.1)
    raise AssertionError("the server did not come back")


async def persistent_data(api: Api, document: str, **variables: object) -> Json:
    """The value of an operation's only field, repeated until the server answers without an internal error."""
    for _ in range(TRIES):
        answer = await persist(lambda: api.http.post("/graphql", json={"query": document, "variables": variables}))
        body = answer.json()
        if "errors" not in body:
            (value,) = body["data"].values()
            found: Json = value
            return found
        assert body["errors"][0]["extensions"]["code"] in AGAIN, body
        await asyncio.sleep(0.1)
    raise AssertionError("the server did not come back")


async def begin(person: Api, sent: Sent) -> Json:
    """Begin an upload, or find it again."""
    wanted: Json = {"fileName": sent.name, "size": len(sent.content), "chunkSize": sent.chunk_size}
    wanted["chunkHashes"] = [digest(part) for part in sent.parts()]
    wanted |= {"idempotencyKey": sent.name, "sha256": digest(sent.content)} | (
        {"compress": COMPRESS} if sent.compress else {}
    )
    payload = await persistent_data(person, INIT, input=wanted)
    assert payload["userErrors"] == []
    upload: Json = payload["upload"]
    sent.upload_id = upload["id"]
    return upload


async def fill(person: Api, sent: Sent, slots: list[Json]) -> None:
    """Send these slots, four at a time, each until it is acknowledged."""
    gate = asyncio.Semaphore(PARALLEL)

    async def send(slot: Json) -> None:
        async with gate:
            body = part_of(slot, sent.content)
            answer = await persist(lambda: person.http.put(slot["url"], content=body))
            assert answer.status_code == 200, answer.text
            assert answer.json()["sha256"] == digest(body), answer.text
            sent.acknowledged[slot["index"]] = digest(body)

    await asyncio.gather(*(send(slot) for slot in slots))


async def look(person: Api, sent: Sent) -> Json:
    """The upload as the server sees it."""
    found: Json = await persistent_data(person, UPLOAD, id=sent.upload_id)
    return found


async def to_the_end(person: Api, sent: Sent) -> Json:
    """Send missing chunks until the upload is READY."""
    while (upload := await settled(person, sent))["status"] == "RECEIVING":
        again = sent.acknowledged.keys() & {slot["index"] for slot in upload["slots"]["nodes"]}
        assert sent.damaged or not again, f"acknowledged, and open again: {again}"
        await fill(person, sent, upload["slots"]["nodes"])
    assert upload["status"] == "READY", upload
    return upload


async def settled(person: Api, sent: Sent) -> Json:
    """The upload once it has ended or needs chunks."""

    async def moved_on() -> Json | None:
        upload = await look(person, sent)
        wants = upload["status"] == "RECEIVING" and upload["slots"]["nodes"]
        return upload if wants or upload["status"] not in UNDER_WAY else None

    return await eventually(moved_on, PATIENCE_SECONDS)


async def assert_whole(person: Api, upload: Json, content: bytes, compress: bool) -> None:
    """Check that the download is what was sent, and that a requested compression exists once."""
    file = upload["file"]
    assert upload["error"] is None
    assert (file["size"], file["sha256"]) == (len(content), digest(content))
    assert await download(person, file["downloadUrl"]) == content
    assert len(file["renditions"]) == compress
    for made in file["renditions"]:
        assert digest(await download(person, made["downloadUrl"])) == made["sha256"]


async def download(person: Api, url: str) -> bytes:
    """A file's bytes, requested until the server answers."""
    for _ in range(100):
        try:
            return (await person.http.get(url)).raise_for_status().content
        except (httpx.TransportError, httpx.HTTPStatusError):
            await asyncio.sleep(0.1)
    raise AssertionError("the server did not come back")
