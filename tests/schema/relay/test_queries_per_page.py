"""A page takes the same number of database queries, however many items it has."""

import logging

import pytest
from uuid_utils.compat import uuid7

from services.core.clock import now
from storage.accounts.models import Account
from storage.database.connection import fetch
from storage.database.engine import Rows
from storage.drive.models import Blob, Rendition, RenditionKind
from storage.uploads.models import Chunk, Upload, UploadStatus
from tests.storage.drive.tree_rows import new_folder, new_item
from tests.storage.rows import new_version
from tests.support.server import Api, digest, key_of

FILES = """query ($first: Int) { files(first: $first) { nodes {
    id name size sha256 downloadUrl media { width } renditions { recipe size downloadUrl } } } }"""
UPLOADS = """query ($first: Int) { uploads(first: $first) { nodes {
    id receivedChunks receivedBytes file { id size renditions { recipe sha256 } } } } }"""
SLOTS = """query ($first: Int) { uploads(first: $first) { nodes {
    slots(first: 1) { nodes { received } } last: slots(last: 1) { nodes { received } }
    missing: slots(first: 1, missing: true) { totalCount nodes { index url } } slot(index: 1) { received } } } }"""
FOLDERS = """query ($first: Int) { root { items(first: $first) { nodes {
    id path parent { id } owner { name } ... on Folder { itemCount totalSize
      items(first: 1) { totalCount nodes { path parent { path } } } } } } } }"""
COUNT = 20


async def fill(api: Api) -> None:
    """Give the user twenty uploads, each with a chunk, a file and a rendition."""
    owner = await Account.get(id=key_of((await api.data("{ me { id } }"))["id"]))
    for number in range(COUNT):
        blobs = [
            await Blob.create(key=f"{number}-{kind}", size=1, sha256=digest(b"")) for kind in ("file", "rendition")
        ]
        file = await new_version(owner.id, blobs[0], f"{number}", "video/mp4")
        await Rendition.create(version=file, kind=RenditionKind.COMPRESSED_VIDEO, mime_type="video/mp4", blob=blobs[1])
        upload = await Upload.create(
            id=uuid7(),
            account=owner,
            file_name="x",
            mime_type="a/b",
            size=1,
            chunk_size=1,
            version=file,
            status=UploadStatus.READY,
            expires_at=now(),
        )
        await Chunk.create(upload=upload, index=0, size=1, sha256=digest(b""))


async def begin(api: Api) -> None:
    """Give the user twenty open uploads of three slots, of which the first one is filled."""
    owner = key_of((await api.data("{ me { id } }"))["id"])
    for _ in range(COUNT):
        upload = await Upload.create(
            id=uuid7(),
            account_id=owner,
            file_name="x",
            mime_type="a/b",
            size=3,
            chunk_size=1,
            received_chunks=1,
            expires_at=now(),
        )
        await Chunk.create(upload=upload, index=0, size=1, sha256=digest(b""))


async def statements(api: Api, caplog: pytest.LogCaptureFixture, document: str, first: int) -> list[str]:
    """The SQL statements for one page."""
    caplog.clear()
    with caplog.at_level(logging.DEBUG, logger="tortoise.db_client"):
        page = await api.data(document, first=first)
    assert len(page["nodes"]) == first
    return [record.getMessage() for record in caplog.records if record.name == "tortoise.db_client"]


@pytest.mark.parametrize(("document", "most"), [(FILES, 5), (UPLOADS, 4)], ids=["files", "uploads"])
async def test_a_page_of_twenty_costs_as_many_queries_as_a_page_of_one(
    api: Api, caplog: pytest.LogCaptureFixture, document: str, most: int
) -> None:
    await fill(api)
    one, twenty = [len(await statements(api, caplog, document, first)) for first in (1, COUNT)]
    assert one == twenty <= most
    assert one > 0


async def test_a_page_of_twenty_has_all_its_items(api: Api) -> None:
    await fill(api)
    page = await api.data(FILES, first=COUNT)
    assert [len(node["renditions"]) for node in page["nodes"]] == [1] * COUNT
    assert len({node["renditions"][0]["downloadUrl"] for node in page["nodes"]}) == COUNT


async def test_the_slots_of_all_uploads_of_a_page_take_one_query(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    statements: list[str] = []

    async def noting(statement: str, *values: object) -> Rows:
        statements.append(statement)
        return await fetch(statement, *values)

    monkeypatch.setattr("storage.uploads.open_slots.fetch", noting)
    await begin(api)
    for first in (1, COUNT):
        statements.clear()
        page = await api.data(SLOTS, first=first)
        assert len(statements) == 1
    for upload in page["nodes"]:
        assert upload["slots"]["nodes"] == [{"received": True}]
        assert upload["last"]["nodes"] == [{"received": False}]
        assert upload["missing"]["totalCount"] == 2
        assert [slot["index"] for slot in upload["missing"]["nodes"]] == [1]
        assert upload["slot"] == {"received": False}


async def test_the_lists_of_all_folders_of_a_page_take_the_same_queries_as_one(
    api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    owner = await Account.get(id=key_of((await api.data("{ me { id } }"))["id"]))
    for number in range(COUNT):
        await new_item(owner, "file", await new_folder(owner, f"{number}"))
    counts = []
    for first in (1, COUNT // 2):
        caplog.clear()
        with caplog.at_level(logging.DEBUG, logger="tortoise.db_client"):
            found = (await api.data(FOLDERS, first=first))["items"]["nodes"]
        assert [node["items"]["nodes"][0]["path"] for node in found] == [f"/{number}/file" for number in range(first)]
        counts.append(len([record for record in caplog.records if record.name == "tortoise.db_client"]))
    assert counts[0] == counts[1]
