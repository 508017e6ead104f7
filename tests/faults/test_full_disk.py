"""A server on a disk that fills up: every receipt stays valid, and everything continues when there is space.

``make test`` fills it in the middle of parallel uploads; ``make faults`` also waits for a compression to go on.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import sign_up
from tests.support.backends.databases import Databases, empty_one
from tests.support.clips import bikes
from tests.support.faults.disk import fill, on_a_small_disk
from tests.support.process import ServeProcess, serving
from tests.support.server import INIT, Api, Json, http_client, part_of
from tests.support.uploads import assert_whole
from tests.support.waiting import eventually, nothing_is_away

KIBIBYTES = 96 * 1024
CHUNK = 64 * 1024
PARALLEL = 4
UPLOADS = 3
STATE = "query ($id: ID!) { upload(id: $id) { status waitsFor error { code } } }"
PATIENCE_SECONDS = 120.0

LONG = pytest.mark.skipif("FAULT_KILLS" not in os.environ, reason="takes a minute: make faults runs it")


@pytest.fixture
def small(tmp_path: Path, databases: Databases) -> Iterator[ServeProcess]:
    """A server with a small disk of its own, where the database also is if it is a file."""
    folder = tmp_path / "disk"
    folder.mkdir()
    prefix = on_a_small_disk(folder, KIBIBYTES)
    with empty_one(databases, folder) as url, serving(folder, None, prefix, CLOUDKEEP_DATABASE_URL=url) as process:
        yield process


@pytest.fixture
def disk(small: ServeProcess, tmp_path: Path) -> Path:
    """The server's disk as it is seen from outside."""
    return Path(f"/proc/{small.pid}/root{tmp_path / 'disk'}")


@pytest.fixture
async def person(small: ServeProcess) -> AsyncIterator[Api]:
    """A signed-in user."""
    async with http_client(small.url, timeout=60) as http:
        yield await sign_up(http, small)


class Sender:
    """Sends a file's chunks in parallel, again and again while the disk is full, and remembers every receipt."""

    def __init__(self, person: Api, upload: Json, content: bytes) -> None:
        self._person = person
        self._content = content
        self.upload = upload
        self.acknowledged: set[int] = set()
        self.refused = 0

    async def send(self) -> None:
        """Send until every chunk is acknowledged."""
        gate = asyncio.Semaphore(PARALLEL)

        async def fill_slot(slot: Json) -> None:
            async with gate:
                while not await self._put(slot):
                    await asyncio.sleep(0.05)

        await asyncio.gather(*(fill_slot(slot) for slot in self.upload["slots"]["nodes"]))

    async def _put(self, slot: Json) -> bool:
        answer = await self._person.http.put(slot["url"], content=part_of(slot, self._content))
        if answer.status_code == 200:
            self.acknowledged.add(slot["index"])
            return True
        assert (answer.status_code, answer.json()["code"]) == (507, "STORAGE_FULL"), answer.text
        self.refused += 1
        return False

    async def assert_no_receipt_is_a_lie(self) -> None:
        told = set(self.acknowledged)
        look = await self._person.look(self.upload["id"])
        assert told.isdisjoint(slot["index"] for slot in look["slots"]["nodes"])


async def ready(person: Api, upload: Json) -> Json:
    async def look() -> Json | None:
        found: Json = await person.look(upload["id"])
        assert found["error"] is None, found
        return found if found["status"] == "READY" else None

    return await eventually(look, PATIENCE_SECONDS)


# The bytes of uploads are reserved: what meets the full disk is the file of SQLite.
@pytest.mark.sqlite
async def test_a_disk_that_fills_in_the_middle_of_uploads_stops_nothing_for_good(
    small: ServeProcess, disk: Path, person: Api
) -> None:
    contents = [bikes().read_bytes() + bytes([number]) * 5_000_000 for number in range(UPLOADS)]
    senders = [
        Sender(person, await person.init(content, chunkSize=CHUNK, fileName=f"{number}.bin"), content)
        for number, content in enumerate(contents)
    ]
    sending = [asyncio.create_task(sender.send()) for sender in senders]
    await eventually(lambda: met(all(len(sender.acknowledged) > 5 for sender in senders)))
    await asyncio.to_thread(fill, disk / "filler")
    await eventually(lambda: met(all(sender.refused > 10 for sender in senders)))
    for sender in senders:
        await sender.assert_no_receipt_is_a_lie()
    (error,) = (await person.data(INIT, input={"fileName": "a", "size": 1}))["userErrors"]
    assert error["code"] == "STORAGE_FULL"
    # A full disk is no reason to take the server away from those who read.
    await eventually(lambda: is_ready(person))
    (disk / "filler").unlink()
    await asyncio.gather(*sending)
    for sender, content in zip(senders, contents, strict=True):
        await assert_whole(person, await ready(person, sender.upload), content, compress=False)
    assert "Traceback" not in small.output()


async def met(condition: bool) -> bool:
    return condition


async def is_ready(person: Api) -> bool:
    return nothing_is_away(await person.http.get("/readyz"))


@LONG
async def test_a_compression_without_space_waits_and_continues(disk: Path, person: Api) -> None:
    content = bikes().read_bytes()
    upload = await person.init(content, chunkSize=CHUNK, compress={"preset": "FAST", "maxHeight": 144})
    await asyncio.to_thread(fill, disk / "filler")
    # Room for rows, but not for a result above the reserve.
    os.truncate(disk / "filler", (disk / "filler").stat().st_size - 4 * 2**20)
    await Sender(person, upload, content).send()

    async def waits() -> bool:
        found = await person.data(STATE, id=upload["id"])
        return bool(found == {"status": "COMPRESSING", "waitsFor": "STORAGE_FULL", "error": None})

    await eventually(waits)
    (disk / "filler").unlink()
    await assert_whole(person, await ready(person, upload), content, compress=True)
