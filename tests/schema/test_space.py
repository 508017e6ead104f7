"""Room as a client sees it: what is taken, what is refused, and a disk that fills in the middle."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from tests.support.disk import files_end_at
from tests.support.server import INIT, Api, digest
from tests.support.stand import Stand, stand

MIB = 2**20
QUOTA = 2 * MIB
STORAGE = "{ me { storage { quota used originals derived reserved } } }"


async def room(api: Api) -> dict[str, int | None]:
    storage: dict[str, int | None] = (await api.data(STORAGE))["storage"]
    return storage


@pytest_asyncio.fixture
async def narrow(tmp_path: Path, migrated_database: Path) -> AsyncIterator[Stand]:
    """A server with a small quota."""
    async with stand(tmp_path, migrated_database, quota=QUOTA) as running:
        yield running


async def test_room_is_reserved_at_the_beginning_and_used_at_the_end(narrow: Stand) -> None:
    content = b"x" * MIB
    upload = await narrow.api.init(content)
    begun = {"quota": QUOTA, "used": 0, "originals": 0, "derived": 0, "reserved": MIB}
    assert await room(narrow.api) == begun
    assert (await narrow.api.put(upload["slots"]["nodes"][0], content)).status_code == 200
    await narrow.api.frames(upload["id"])
    assert await room(narrow.api) == {**begun, "used": MIB, "originals": MIB, "reserved": 0}
    (error,) = (await narrow.api.data(INIT, input={"fileName": "a", "size": MIB + 1}))["userErrors"]
    assert (error["field"], error["code"]) == (["input", "size"], "QUOTA_EXCEEDED")


async def test_without_a_quota_there_is_none(api: Api) -> None:
    assert await room(api) == {"quota": None, "used": 0, "originals": 0, "derived": 0, "reserved": 0}


async def test_above_the_mark_an_upload_does_not_begin(tmp_path: Path, migrated_database: Path) -> None:
    async with stand(tmp_path, migrated_database, storage_reserve=2**53) as full:
        (error,) = (await full.api.data(INIT, input={"fileName": "a", "size": 1}))["userErrors"]
        assert (error["field"], error["code"]) == (["input", "size"], "STORAGE_FULL")
        assert full.staged == set()


async def test_a_disk_that_fills_loses_no_receipt_and_goes_on_when_there_is_room(api: Api, worker: None) -> None:
    content = bytes(range(256)) * (MIB // 64)
    upload = await api.init(content, chunkSize=MIB)
    slots = upload["slots"]["nodes"]
    with files_end_at(2 * MIB + 100):
        answers = [await api.put(slot, content) for slot in slots]
    assert [answer.status_code for answer in answers] == [200, 200, 507, 507]
    assert answers[2].json()["code"] == "STORAGE_FULL"
    look = await api.look(upload["id"])
    assert (look["status"], look["receivedChunks"]) == ("RECEIVING", 2)
    for slot in look["slots"]["nodes"]:
        assert (await api.put(slot, content)).status_code == 200
    assert (await api.frames(upload["id"]))[-1]["stage"] == "READY"
    assert (await api.look(upload["id"]))["file"]["sha256"] == digest(content)
