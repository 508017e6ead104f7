"""Uploads that cannot be lost: whatever is killed, and whenever, the file arrives whole, once, and nothing is left.

``make test`` kills a few times, ``make faults`` two hundred times. The seed is printed, so that a run can be repeated.
"""

import asyncio
import os
import secrets
from pathlib import Path

import httpx

from tests.clips import bikes
from tests.e2e.conftest import sign_up
from tests.support.kills import Killer, persist, persistent_data
from tests.support.process import ServeProcess, serving
from tests.support.server import INIT, UPLOAD, Api, Json, digest, part_of
from tests.support.waiting import eventually

KILLS = int(os.environ.get("FAULT_KILLS", "8"))
SEED = int(os.environ.get("FAULT_SEED", str(secrets.randbits(32))))
CHUNK = 64 * 1024
PARALLEL = 4
PATIENCE_SECONDS = 300.0
FILES = "{ files(first: 100) { nodes { id } } }"


async def one_upload(person: Api, content: bytes, name: str, compress: bool) -> Json:
    """Send a file through all the kills, and return its upload when it is READY."""
    wanted = {"fileName": name, "size": len(content), "chunkSize": CHUNK, "idempotencyKey": name}
    wanted |= {"sha256": digest(content)} | ({"compress": {"preset": "FAST", "maxHeight": 144}} if compress else {})
    upload = (await persistent_data(person, INIT, input=wanted))["upload"]
    done = None
    while not done:
        open_slots = (await persistent_data(person, UPLOAD, id=upload["id"]))["slots"]["nodes"]
        await send(person, open_slots, content)
        done = await moved_on(person, upload["id"])
    return done


async def send(person: Api, slots: list[Json], content: bytes) -> None:
    gate = asyncio.Semaphore(PARALLEL)

    async def fill(slot: Json) -> None:
        async with gate:
            body = part_of(slot, content)
            answer = await persist(lambda: person.http.put(slot["url"], content=body))
            assert answer.json()["sha256"] == digest(body), answer.text

    await asyncio.gather(*(fill(slot) for slot in slots))


async def moved_on(person: Api, upload_id: str) -> Json | None:
    """The upload once it is READY; None as soon as it wants chunks again."""

    async def look() -> Json | None:
        upload = await persistent_data(person, UPLOAD, id=upload_id)
        assert upload["status"] in {"RECEIVING", "REASSEMBLING", "COMPRESSING", "READY"}, upload
        return upload if upload["status"] in {"RECEIVING", "READY"} else None

    upload = await eventually(look, PATIENCE_SECONDS)
    return upload if upload["status"] == "READY" else None


async def assert_whole(person: Api, upload: Json, content: bytes, compress: bool) -> None:
    file = upload["file"]
    assert upload["error"] is None
    assert (file["size"], file["sha256"]) == (len(content), digest(content))
    assert await download(person, file["downloadUrl"]) == content
    renditions = [await download(person, one["downloadUrl"]) for one in file["renditions"]]
    assert [digest(one) for one in renditions] == [one["sha256"] for one in file["renditions"]]
    assert len(renditions) == compress


async def download(person: Api, url: str) -> bytes:
    for _ in range(100):
        try:
            answer = await person.http.get(url)
            answer.raise_for_status()
        except (httpx.TransportError, httpx.HTTPStatusError):
            await asyncio.sleep(0.1)
        else:
            return answer.content
    raise AssertionError("the server did not come back")


async def kill_through(process: ServeProcess, killer: Killer, seed: int) -> int:
    """Send one file after the other until enough was killed. Returns how many arrived."""
    arrived: list[str] = []
    async with httpx.AsyncClient(base_url=process.url, timeout=30) as http:
        person = await sign_up(http, process)
        while killer.left:
            compress = len(arrived) % 2 == 0
            content = bikes().read_bytes() + f"{seed} {len(arrived)}".encode()
            async with killer.at_work():
                upload = await one_upload(person, content, f"file {len(arrived)}.mp4", compress)
            await assert_whole(person, upload, content, compress)
            arrived.append(upload["file"]["id"])
        files = await persistent_data(person, FILES)
        assert sorted(file["id"] for file in files["nodes"]) == sorted(arrived[-100:])
    return len(arrived)


async def test_every_upload_arrives_whole_and_once_through_kills_at_random_moments(tmp_path: Path) -> None:
    print(f"\nFAULT_SEED={SEED} FAULT_KILLS={KILLS}")
    # One job may be killed more often here than elsewhere in years.
    with serving(tmp_path, CLOUDKEEP_JOB_ATTEMPTS="64", CLOUDKEEP_ACCESS_TOKEN_TTL="86400") as process:
        killer = Killer(process, SEED, KILLS)
        arrived = await kill_through(process, killer, SEED)
        print(f"killed {dict(killer.kills)}, {arrived} uploads arrived whole")
    assert list((tmp_path / "blobs" / "staging").iterdir()) == []
    assert list((tmp_path / "scratch").rglob("*.mp4")) == []
