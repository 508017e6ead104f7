"""The main job on real videos: uploaded in chunks, reassembled, compressed, watched live, downloaded."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect

from tests.support.clips import bigbuckbunny, bikes
from tests.support.process import ServeProcess
from tests.support.server import PROGRESS, Api, Json, digest
from workers.media.probe import probe
from workers.media.tools import Toolbox

STAGES = ["RECEIVING", "REASSEMBLING", "COMPRESSING", "READY"]
PARALLEL = 6


async def send_all(api: Api, upload: Json, content: bytes) -> None:
    """Send every slot, in parallel and in reverse order, half of them as forms."""
    gate = asyncio.Semaphore(PARALLEL)

    async def send(slot: Json) -> None:
        async with gate:
            how = api.put if slot["index"] % 2 else api.post
            answer = await how(slot, content)
            assert answer.status_code == 200, answer.text
            assert answer.headers["ETag"] == f'"{answer.json()["sha256"]}"'

    await asyncio.gather(*(send(slot) for slot in reversed(upload["slots"]["nodes"])))


async def frames_by_websocket(api: Api, url: str, upload_id: str) -> list[Json]:
    """Every frame of the upload's progress until it ends, over graphql-transport-ws."""
    found: list[Json] = []
    address = url.replace("http", "ws") + "/graphql"
    authorization = {"Authorization": api.http.headers["Authorization"]}
    async with asyncio.timeout(300), connect(address, subprotocols=["graphql-transport-ws"]) as socket:  # type: ignore[list-item]
        await socket.send(json.dumps({"type": "connection_init", "payload": authorization}))
        assert json.loads(await socket.recv())["type"] == "connection_ack"
        payload = {"query": PROGRESS, "variables": {"id": upload_id}}
        await socket.send(json.dumps({"id": "1", "type": "subscribe", "payload": payload}))
        while (message := json.loads(await socket.recv()))["type"] != "complete":
            assert message["type"] == "next", message
            found.append(message["payload"]["data"]["uploadProgress"])
    return found


def assert_ordered(frames: list[Json], stages: list[str]) -> None:
    """The stages come in this order, and within each the percentage only grows."""
    seen = [frame["stage"] for frame in frames]
    assert [stage for stage, before in zip(seen, [None, *seen], strict=False) if stage != before] == stages
    for stage in stages:
        percents = [frame["percent"] for frame in frames if frame["stage"] == stage]
        assert percents == sorted(percents)
        assert 0 <= percents[0] <= percents[-1] <= 100


async def download(api: Api, url: str) -> bytes:
    answer = await api.http.get(url)
    assert answer.status_code == 200, answer.text
    return answer.content


def top_level_boxes(mp4: bytes) -> list[bytes]:
    """The types of an MP4's top-level boxes (ISO/IEC 14496-12, section 4.2), in order."""
    found, position = [], 0
    while position + 8 <= len(mp4):
        size = int.from_bytes(mp4[position : position + 4])
        found.append(mp4[position + 4 : position + 8])
        position += int.from_bytes(mp4[position + 8 : position + 16]) if size == 1 else size
    return found


async def assert_good_rendition(file: Json, content: bytes, tools: Toolbox, folder: Path) -> None:
    (rendition,) = file["renditions"]
    assert (rendition["recipe"], digest(content)) == ("COMPRESSED_VIDEO", rendition["sha256"])
    assert rendition["size"] == len(content) < file["size"]
    boxes = top_level_boxes(content)
    assert boxes.index(b"moov") < boxes.index(b"mdat")
    (folder / "rendition.mp4").write_bytes(content)
    facts = await probe(folder / "rendition.mp4", tools)
    assert facts.video_codec == "h264"
    assert facts.duration == pytest.approx(file["media"]["duration"], abs=0.5)


async def test_a_large_video_goes_the_whole_way_and_is_watched_live(
    person: Api, cloudkeep: ServeProcess, large_video: Path, tools: Toolbox, tmp_path: Path
) -> None:
    content = large_video.read_bytes()
    upload = await person.init(content, fileName="holiday.mkv", sha256=digest(content), compress={"preset": "FAST"})
    watching = [
        asyncio.create_task(frames_by_websocket(person, cloudkeep.url, upload["id"])),
        asyncio.create_task(person.frames(upload["id"])),
    ]
    await asyncio.sleep(0.2)
    await send_all(person, upload, content)
    for frames in await asyncio.gather(*watching):
        assert_ordered(frames, STAGES)
        compressing = [frame for frame in frames if frame["stage"] == "COMPRESSING"]
        assert len(compressing) >= 4
        assert any(frame["speed"] for frame in compressing)
        assert any(frame["speed"] for frame in frames if frame["stage"] == "RECEIVING")
    file = (await person.look(upload["id"]))["file"]
    assert (file["name"], file["size"], file["sha256"]) == ("holiday.mkv", len(content), digest(content))
    assert await download(person, file["downloadUrl"]) == content
    rendition = await download(person, file["renditions"][0]["downloadUrl"])
    await assert_good_rendition(file, rendition, tools, tmp_path)


@pytest.mark.parametrize(
    ("clip", "facts"),
    [
        (bigbuckbunny(), {"width": 1280, "height": 720, "videoCodec": "h264", "audioCodec": "aac"}),
        (bikes(), {"width": 640, "height": 272, "videoCodec": "h264", "audioCodec": None}),
    ],
    ids=["bigbuckbunny", "bikes"],
)
async def test_a_real_clip_is_compressed_and_keeps_its_facts(
    person: Api, clip: Path, facts: dict[str, Any], tools: Toolbox, tmp_path: Path
) -> None:
    content = clip.read_bytes()
    upload = await person.init(content, fileName=clip.name, chunkSize=128 * 1024, compress={"preset": "SMALL"})
    await send_all(person, upload, content)
    assert (await person.frames(upload["id"]))[-1]["stage"] == "READY"
    file = (await person.look(upload["id"]))["file"]
    assert {name: file["media"][name] for name in facts} == facts
    assert await download(person, file["downloadUrl"]) == content
    rendition = await download(person, file["renditions"][0]["downloadUrl"])
    await assert_good_rendition(file, rendition, tools, tmp_path)


async def test_an_aborted_upload_ends_its_subscription_and_takes_no_more_chunks(person: Api) -> None:
    content = bytes(200_000)
    upload = await person.init(content, chunkSize=100_000)
    watching = asyncio.create_task(person.frames(upload["id"]))
    await asyncio.sleep(0.2)
    abort = "mutation ($id: ID!) { abortUpload(input: {uploadId: $id}) { upload { status } userErrors { code } } }"
    assert (await person.data(abort, id=upload["id"]))["upload"]["status"] == "ABORTED"
    assert (await watching)[-1]["stage"] == "ABORTED"
    refused = await person.put(upload["slots"]["nodes"][0], content)
    assert (refused.status_code, refused.json()["code"]) == (409, "UPLOAD_CLOSED")
