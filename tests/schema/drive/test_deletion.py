"""Deleting items and versions through the API."""

import secrets

import pytest

from services.core.ids import Prefix, encode
from storage.drive.models import Item
from storage.uploads.models import Upload
from tests.storage.stored_files import add_rendition, add_version, counted_blob, new_folder
from tests.support.server import Json, digest, key_of
from tests.support.shared_server import SharedServer, another_user

pytestmark = pytest.mark.asyncio(loop_scope="module")

DELETE = "mutation ($ids: [ID!]!) { deleteItems(input: {itemIds: $ids}) { deletedCount userErrors { field code } } }"
EMPTY = "mutation { emptyTrash { deletedCount isEmpty userErrors { code } } }"
RESTORE = """mutation ($file: ID!, $version: ID!) { restoreVersion(input: {fileId: $file, versionId: $version}) {
    file { id version { number } } userErrors { field code } } }"""
DELETE_VERSION = """mutation ($version: ID!) { deleteVersion(input: {versionId: $version}) {
    file { id versions { nodes { number } } } userErrors { field code } } }"""
VERSIONS = """query ($id: ID!, $first: Int, $after: String) { file(id: $id) { versions(first: $first, after: $after) {
    totalCount nodes { id number isCurrent size } pageInfo { hasNextPage endCursor } } } }"""
FILE = "query ($id: ID!) { file(id: $id) { id } }"
NODE = "query ($id: ID!) { node(id: $id) { id } }"
UPLOAD = "query ($id: ID!) { upload(id: $id) { id } }"
USED = "query { me { storage { used } } }"


def not_found(index: int) -> Json:
    """The error for one of the items."""
    return {"field": ["input", "itemIds", str(index)], "code": "NOT_FOUND"}


async def uploaded(shared: SharedServer, content: bytes = b"", **more: object) -> Json:
    """A READY upload with its file."""
    upload = await shared.api.upload(content or secrets.token_bytes(1_000), **more)
    await shared.api.frames(upload["id"])
    done: Json = await shared.api.look(upload["id"])
    assert done["status"] == "READY"
    return done


async def delete(shared: SharedServer, *ids: str) -> Json:
    payload: Json = await shared.api.data(DELETE, ids=list(ids))
    return payload


async def version_ids(shared: SharedServer, file_id: str) -> list[str]:
    """The IDs of the versions, the oldest first."""
    file = await shared.api.data(VERSIONS, id=file_id)
    return [node["id"] for node in file["versions"]["nodes"]][::-1]


async def test_a_deleted_file_is_gone_with_its_upload_and_its_download(shared: SharedServer) -> None:
    upload = await uploaded(shared)
    file = upload["file"]
    used = (await shared.api.data(USED))["storage"]["used"]
    assert await delete(shared, file["id"]) == {"deletedCount": 1, "userErrors": []}
    assert await shared.api.data(FILE, id=file["id"]) is None
    assert await shared.api.data(UPLOAD, id=upload["id"]) is None
    assert (await shared.http.get(file["downloadUrl"])).status_code == 404
    assert (await shared.api.data(USED))["storage"]["used"] == used - 1_000


async def test_nothing_below_a_large_deleted_folder_can_be_read(
    shared: SharedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = await uploaded(shared)
    account_id = (await Upload.get(id=key_of(upload["id"]))).account_id
    file, key = upload["file"], key_of(upload["file"]["id"])
    folder = await new_folder(account_id, secrets.token_hex(4))
    await Item.filter(id=key).update(parent_id=folder.id)
    (version,) = await version_ids(shared, file["id"])
    # The rows are left to a job, which has not run yet.
    monkeypatch.setattr("storage.deletion.items.STEPS_AT_ONCE", 0)
    monkeypatch.setattr("storage.deletion.items.queue", _never)
    assert (await delete(shared, encode(Prefix.FOLDER, folder.id)))["deletedCount"] == 1
    assert await Item.exists(id=key)
    assert await shared.api.data(NODE, id=version) is None
    assert (await shared.http.get(file["downloadUrl"])).status_code == 404


async def _never(*_: object) -> None:
    """Queue nothing."""


async def test_an_item_that_is_missing_or_foreign_prevents_the_deletion_of_all(shared: SharedServer) -> None:
    mine = (await uploaded(shared))["file"]["id"]
    async with another_user(shared) as other:
        payload = await other.data(DELETE, ids=[mine])
        assert payload == {"deletedCount": None, "userErrors": [not_found(0)]}
    for other_id in ("file_00000000000000000000000000", mine.replace("file", "folder"), "x"):
        payload = await delete(shared, mine, other_id)
        assert payload["userErrors"] == [not_found(1)]
    assert await shared.api.data(FILE, id=mine)


async def test_the_root_is_never_deleted(shared: SharedServer) -> None:
    upload = await Upload.get(id=key_of((await uploaded(shared))["id"]))
    payload = await delete(shared, encode(Prefix.FOLDER, upload.account_id))
    assert payload["userErrors"][0]["code"] == "INVALID_INPUT"


async def test_no_more_than_a_hundred_items_are_deleted_in_a_call(shared: SharedServer) -> None:
    payload = await delete(shared, *["file_00000000000000000000000000"] * 101)
    assert payload["userErrors"] == [{"field": ["input", "itemIds"], "code": "INVALID_INPUT"}]


async def test_the_trash_is_emptied(shared: SharedServer) -> None:
    for _ in range(2):
        file = (await uploaded(shared))["file"]
        await Item.filter(id=key_of(file["id"])).update(trashed_at="2026-01-01T00:00:00+00:00")
    assert await shared.api.data(EMPTY) == {"deletedCount": 2, "isEmpty": True, "userErrors": []}
    assert await shared.api.data(EMPTY) == {"deletedCount": 0, "isEmpty": True, "userErrors": []}


async def test_versions_are_listed_newest_first_in_pages(shared: SharedServer) -> None:
    file_id = (await uploaded(shared))["file"]["id"]
    for _ in range(2):
        await add_version(key_of(file_id))
    page = (await shared.api.data(VERSIONS, id=file_id, first=2))["versions"]
    assert page["totalCount"] == 3
    assert [(node["number"], node["isCurrent"]) for node in page["nodes"]] == [(3, True), (2, False)]
    after = page["pageInfo"]["endCursor"]
    rest = (await shared.api.data(VERSIONS, id=file_id, first=2, after=after))["versions"]
    assert [(node["number"], node["isCurrent"], node["size"]) for node in rest["nodes"]] == [(1, False, 1_000)]
    assert not rest["pageInfo"]["hasNextPage"]


async def test_a_version_is_restored_and_an_old_one_deleted(shared: SharedServer) -> None:
    content = secrets.token_bytes(2_000)
    upload = await uploaded(shared, content)
    file_id = upload["file"]["id"]
    await add_version(key_of(file_id))
    first, second = await version_ids(shared, file_id)
    restored = await shared.api.data(RESTORE, file=file_id, version=first)
    assert restored == {"file": {"id": file_id, "version": {"number": 3}}, "userErrors": []}
    deleted = await shared.api.data(DELETE_VERSION, version=second)
    assert [node["number"] for node in deleted["file"]["versions"]["nodes"]] == [3, 1]
    file = await shared.api.data("query ($id: ID!) { file(id: $id) { sha256 download { url } } }", id=file_id)
    assert file["sha256"] == digest(content)
    assert (await shared.http.get(file["download"]["url"])).content == content


async def test_the_current_version_and_those_of_others_cannot_be_deleted(shared: SharedServer) -> None:
    file_id = (await uploaded(shared))["file"]["id"]
    (version,) = await version_ids(shared, file_id)
    payload = await shared.api.data(DELETE_VERSION, version=version)
    assert payload["userErrors"] == [{"field": ["input", "versionId"], "code": "INVALID_INPUT"}]
    async with another_user(shared) as other:
        deleted = await other.data(DELETE_VERSION, version=version)
        restored = await other.data(RESTORE, version=version, file=file_id)
        assert [each["userErrors"][0]["code"] for each in (deleted, restored)] == ["NOT_FOUND", "NOT_FOUND"]


async def test_a_version_of_another_file_is_not_restored(shared: SharedServer) -> None:
    file_id, other = [(await uploaded(shared))["file"]["id"] for _ in range(2)]
    (foreign,) = await version_ids(shared, other)
    payload = await shared.api.data(RESTORE, file=file_id, version=foreign)
    assert payload["userErrors"] == [{"field": ["input", "versionId"], "code": "NOT_FOUND"}]


async def test_the_idempotency_key_of_a_deleted_file_can_be_used_again(shared: SharedServer) -> None:
    key = secrets.token_hex(8)
    first = await uploaded(shared, idempotencyKey=key)
    await delete(shared, first["file"]["id"])
    second = await shared.api.init(b"other", idempotencyKey=key)
    assert second["id"] != first["id"]


async def test_a_deleted_version_takes_its_renditions_along(shared: SharedServer) -> None:
    upload = await Upload.get(id=key_of((await uploaded(shared))["id"])).select_related("version")
    assert upload.version
    rendition = await add_rendition(upload.version)
    await add_version(upload.version.item_id, await counted_blob(upload.account_id))
    await shared.api.data(DELETE_VERSION, version=encode(Prefix.VERSION, upload.version.id))
    assert await shared.api.data(NODE, id=encode(Prefix.RENDITION, rendition.id)) is None
