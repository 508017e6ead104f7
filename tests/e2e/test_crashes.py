"""A killed process costs time, but never work: the supervisor starts it again, and the job finishes once."""

import asyncio
import signal
import time
from pathlib import Path

import httpx
import psutil

from tests.e2e.conftest import sign_up
from tests.support.clips import bigbuckbunny
from tests.support.process import ServeProcess, free_port, serving
from tests.support.server import Api, Json, digest, http_client
from tests.support.waiting import eventually

COUNT_RENDITIONS = "{ files { nodes { renditions { recipe size sha256 downloadUrl } } } }"


async def compressing(person: Api, upload_id: str) -> Json | None:
    upload: Json = await person.look(upload_id)
    return upload if upload["status"] == "COMPRESSING" else None


async def ready(person: Api, upload_id: str) -> Json | None:
    upload: Json = await person.look(upload_id)
    return upload if upload["status"] == "READY" else None


async def has_ffmpeg(process: ServeProcess) -> psutil.Process | None:
    for child in process.descendants():
        try:
            if "libx264" in child.cmdline():
                return child
        except psutil.NoSuchProcess:
            continue
    return None


def gone(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


async def test_a_worker_killed_in_the_middle_of_a_compression_is_replaced_and_the_job_finishes_once(
    tmp_path: Path, empty_database: str
) -> None:
    content = bigbuckbunny().read_bytes()
    with serving(tmp_path, CLOUDKEEP_DATABASE_URL=empty_database) as process:
        async with http_client(process.url, timeout=60) as http:
            person = await sign_up(http, process)
            upload = await person.upload(content, fileName="clip.mp4", compress={"preset": "SMALL"})
            await eventually(lambda: compressing(person, upload["id"]))
            ffmpeg = await eventually(lambda: has_ffmpeg(process))
            process.child("worker").kill()
            done = await eventually(lambda: ready(person, upload["id"]))
            assert gone(ffmpeg)
            assert done["error"] is None
            files = (await person.data(COUNT_RENDITIONS))["nodes"]
            assert [len(file["renditions"]) for file in files] == [1]
            rendition = files[0]["renditions"][0]
            assert digest((await http.get(rendition["downloadUrl"])).content) == rendition["sha256"]
    assert list((tmp_path / "scratch").rglob("*.mp4")) == []


async def test_an_api_process_that_is_killed_is_replaced_and_the_upload_continues(
    tmp_path: Path, empty_database: str
) -> None:
    content = bytes(range(256)) * 2000
    with serving(tmp_path, CLOUDKEEP_DATABASE_URL=empty_database) as process:
        async with http_client(process.url, timeout=60) as http:
            person = await sign_up(http, process)
            upload = await person.init(content, chunkSize=64 * 1024)
            first, *others = upload["slots"]["nodes"]
            assert (await person.put(first, content)).status_code == 200
            process.child("api").kill()
            for slot in others:
                assert (await put_again(person, slot, content)).status_code == 200
            done = await eventually(lambda: ready(person, upload["id"]))
            assert (await http.get(done["file"]["downloadUrl"])).content == content


async def put_again(person: Api, slot: Json, content: bytes) -> httpx.Response:
    """Send a chunk again, as any client does after a broken connection."""
    for _ in range(100):
        try:
            return await person.put(slot, content)
        except httpx.TransportError:
            await asyncio.sleep(0.05)
    raise AssertionError("the server did not come back")


async def test_a_second_start_on_the_same_folder_finds_everything_again(tmp_path: Path, empty_database: str) -> None:
    content, port = b"kept for ever" * 1000, free_port()
    async with http_client(timeout=60) as http:
        http.base_url = httpx.URL(f"http://127.0.0.1:{port}")
        with serving(tmp_path, port, CLOUDKEEP_DATABASE_URL=empty_database) as process:
            person = await sign_up(http, process)
            finished = await person.upload(content)
            done = await eventually(lambda: ready(person, finished["id"]))
            open_one = await person.init(content, fileName="second.bin", chunkSize=64 * 1024)
        with serving(tmp_path, port, CLOUDKEEP_DATABASE_URL=empty_database):
            assert (await http.get(done["file"]["downloadUrl"])).content == content
            assert (await person.put(open_one["slots"]["nodes"][0], content)).status_code == 200
            assert await eventually(lambda: ready(person, open_one["id"]))


def test_a_signal_stops_the_whole_tree_within_ten_seconds(tmp_path: Path, empty_database: str) -> None:
    for how in (signal.SIGINT, signal.SIGTERM):
        with serving(tmp_path, CLOUDKEEP_DATABASE_URL=empty_database) as process:
            tree = process.descendants()
            assert process.stop(how) == 0
            assert [one for one in tree if not gone(one)] == []


def test_a_supervisor_that_is_killed_leaves_nothing_behind(tmp_path: Path, empty_database: str) -> None:
    process = ServeProcess(tmp_path, free_port(), CLOUDKEEP_DATABASE_URL=empty_database)
    process.wait_until_ready()
    tree = process.descendants()
    assert len(tree) >= 3
    psutil.Process(process.pid).kill()
    process.stop()
    deadline = time.monotonic() + 10
    while [one for one in tree if not gone(one)] and time.monotonic() < deadline:
        time.sleep(0.05)
    assert [one for one in tree if not gone(one)] == []
