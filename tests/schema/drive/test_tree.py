"""The tree of the drive, as clients see it."""

from collections.abc import Sequence
from typing import Any

import pytest
import pytest_asyncio

from tests.support.server import Api, Json
from tests.support.shared_server import SharedServer, another_user

pytestmark = pytest.mark.asyncio(loop_scope="module")

CREATE = """mutation ($name: String!, $parent: ID, $conflict: ConflictPolicy) {
  createFolder(input: {name: $name, parentId: $parent, conflict: $conflict}) {
    folder { id name path parent { id } } userErrors { field code } } }"""
RENAME = """mutation ($id: ID!, $name: String!, $conflict: ConflictPolicy) {
  renameItem(input: {itemId: $id, name: $name, conflict: $conflict}) {
    item { id name path } userErrors { field code } } }"""
STAR = """mutation ($id: ID!, $starred: Boolean!) {
  starItem(input: {itemId: $id, starred: $starred}) { item { id starred } userErrors { field code } } }"""
PLACE = """mutation ($ids: [ID!]!, $parent: ID, $conflict: ConflictPolicy) {
  %s(input: {itemIds: $ids, parentId: $parent, conflict: $conflict}) {
    items { id name path } userErrors { field code } } }"""
MOVE, COPY = PLACE % "moveItems", PLACE % "copyItems"
TRASH = """mutation ($ids: [ID!]!) {
  trashItems(input: {itemIds: $ids}) { items { id name trashedAt } userErrors { field code } } }"""
RESTORE = TRASH.replace("trashItems", "restoreItems")
LIST = """query ($id: ID!, $first: Int, $after: String, $last: Int, $before: String, $order: ItemOrder,
    $filter: ItemFilter) { item(id: $id) { ... on Folder { itemCount totalSize
  items(first: $first, after: $after, last: $last, before: $before, orderBy: $order, filter: $filter) { totalCount
    nodes { id name path parent { id } owner { name } } pageInfo { hasNextPage endCursor startCursor } } } } }"""
TRASHED = """query ($first: Int, $after: String) { trash(first: $first, after: $after) {
  totalCount nodes { name } pageInfo { hasNextPage endCursor } } }"""
BY_PATH = "query ($path: String!) { itemByPath(path: $path) { id path } }"


@pytest_asyncio.fixture(loop_scope="module")
async def owner(shared: SharedServer) -> Any:
    """A user with an empty drive."""
    async with another_user(shared) as api:
        yield api


async def folder(api: Api, name: str, parent: str | None = None, conflict: str | None = None) -> str:
    """The ID of a new folder."""
    made = await api.data(CREATE, name=name, parent=parent, conflict=conflict)
    assert made["userErrors"] == []
    found: str = made["folder"]["id"]
    return found


async def file(api: Api, content: bytes, name: str = "x.txt") -> str:
    """The ID of a new file in the root."""
    upload = await api.upload(content, fileName=name)
    await api.frames(upload["id"])
    found: str = (await api.look(upload["id"]))["file"]["id"]
    return found


async def root(api: Api) -> str:
    found: str = (await api.data("{ root { id } }"))["id"]
    return found


async def refused(api: Api, document: str, **variables: object) -> Json:
    """The one error of a mutation."""
    (error,) = (await api.data(document, **variables))["userErrors"]
    found: Json = error
    return found


async def names(api: Api, folder_id: str, **arguments: object) -> list[str]:
    listed = await api.data(LIST, id=folder_id, **arguments)
    return [node["name"] for node in listed["items"]["nodes"]]


async def test_a_folder_is_created_and_found(owner: Api) -> None:
    made = (await owner.data(CREATE, name="Films"))["folder"]
    inner = (await owner.data(CREATE, name="é ü", parent=made["id"]))["folder"]
    assert made == {"id": made["id"], "name": "Films", "path": "/Films", "parent": {"id": await root(owner)}}
    assert inner["path"] == "/Films/é ü"
    for path in ("/Films/é ü", "films/E\u0301 Ü/"):
        assert (await owner.data(BY_PATH, path=path)) == {"id": inner["id"], "path": "/Films/é ü"}
    assert (await owner.data(BY_PATH, path="/"))["path"] == "/"
    for missing in ("/nothing", "/Films//é ü", "/Films/é ü/x", "/" + "a" * 5_000, "/a" * 200, "/\0", "/.."):
        assert await owner.data(BY_PATH, path=missing) is None


async def test_nobody_has_no_root(shared: SharedServer) -> None:
    assert await Api(shared.http).data("{ root { id } }") is None


async def test_a_list_is_read_in_pages_of_every_order(owner: Api) -> None:
    top = await root(owner)
    for name in ("b", "a10", "A9"):
        await folder(owner, name)
    await file(owner, b"xx", "2.txt")
    await file(owner, b"y", "10.txt")
    assert await names(owner, top) == ["A9", "a10", "b", "2.txt", "10.txt"]
    size = {"field": "SIZE", "direction": "DESC"}
    assert await names(owner, top, order=size) == ["b", "a10", "A9", "2.txt", "10.txt"]
    for field in ("NAME", "SIZE", "CREATED_AT", "UPDATED_AT"):
        for direction in ("ASC", "DESC"):
            order = {"field": field, "direction": direction}
            assert await paged(owner, top, order) == await names(owner, top, order=order)
    assert await names(owner, top, filter={"minSize": 2}) == ["2.txt"]
    listed = await owner.data(LIST, id=top)
    assert (listed["itemCount"], listed["items"]["totalCount"], listed["totalSize"]) == (5, 5, 3)
    assert {node["path"] for node in listed["items"]["nodes"]} == {f"/{name}" for name in await names(owner, top)}
    assert {node["parent"]["id"] for node in listed["items"]["nodes"]} == {top}
    assert len({node["owner"]["name"] for node in listed["items"]["nodes"]}) == 1


async def paged(api: Api, folder_id: str, order: Json) -> list[str]:
    found: list[str] = []
    after = None
    while True:
        page = (await api.data(LIST, id=folder_id, first=2, after=after, order=order))["items"]
        found += [node["name"] for node in page["nodes"]]
        if not page["pageInfo"]["hasNextPage"]:
            return found
        after = page["pageInfo"]["endCursor"]


async def test_a_cursor_of_another_order_or_of_nowhere_is_refused(owner: Api) -> None:
    top = await root(owner)
    await folder(owner, "a")
    cursor = (await owner.data(LIST, id=top))["items"]["pageInfo"]["endCursor"]
    other = {"field": "SIZE", "direction": "ASC"}
    bad = ["", "x", "W10", "bnVsbA", "W1tbW10", "ä", "A" * 3_000, "WyJOQU1FIiwiRklMRSIsbnVsbCwieCJd"]
    for after, order in ((cursor, other), *((text, None) for text in bad)):
        answer = await owner.call(LIST, id=top, after=after, order=order)
        assert [error["extensions"]["code"] for error in answer["errors"]] == ["INVALID_INPUT"]


async def test_conflicts_follow_the_policy(owner: Api) -> None:
    first = await folder(owner, "a")
    error = {"field": ["input", "name"], "code": "ALREADY_EXISTS"}
    assert await refused(owner, CREATE, name="A") == error
    assert await refused(owner, CREATE, name="A", conflict="FAIL") == error
    second = (await owner.data(CREATE, name="A", conflict="KEEP_BOTH"))["folder"]
    assert second["name"] == "A (2)"
    assert await folder(owner, "A", conflict="REPLACE") == first
    assert await refused(owner, RENAME, id=second["id"], name="a") == error
    assert (await owner.data(RENAME, id=second["id"], name="b"))["item"]["path"] == "/b"


@pytest.mark.parametrize("name", ["", " ", ".", "..", "a/b", "a\0b", "a\nb", "x" * 256, "ü" * 128])
async def test_a_name_that_no_file_may_have_is_refused(owner: Api, name: str) -> None:
    error = {"field": ["input", "name"], "code": "INVALID_INPUT"}
    assert await refused(owner, CREATE, name=name) == error
    made = await folder(owner, "a", conflict="KEEP_BOTH")
    assert await refused(owner, RENAME, id=made, name=name) == error


async def test_items_are_moved_copied_and_starred(owner: Api) -> None:
    target = await folder(owner, "target")
    a, b = await folder(owner, "a"), await folder(owner, "b")
    x = await file(owner, b"text")
    moved = (await owner.data(MOVE, ids=[b, a, x, b], parent=target))["items"]
    assert [item["path"] for item in moved] == ["/target/b", "/target/a", "/target/x.txt"]
    copies = (await owner.data(COPY, ids=[target, x]))["userErrors"]
    assert [error["code"] for error in copies] == ["ALREADY_EXISTS"]
    copies = (await owner.data(COPY, ids=[target, x], conflict="KEEP_BOTH"))["items"]
    assert [item["path"] for item in copies] == ["/target (2)", "/x.txt"]
    assert (await owner.data(STAR, id=x, starred=True))["item"]["starred"] is True
    assert await names(owner, target, filter={"starred": True}) == ["x.txt"]
    await owner.data(STAR, id=a, starred=True)
    found = await owner.data("{ starred { nodes { path } totalCount } }")
    assert {item["path"] for item in found["nodes"]} == {"/target/a", "/target/x.txt"}
    assert found["totalCount"] == 2
    await owner.data(STAR, id=a, starred=False)
    assert await refused(owner, MOVE, ids=[target], parent=a) == {
        "field": ["input", "parentId"],
        "code": "FOLDER_CYCLE",
    }


async def test_a_replaced_file_keeps_its_bytes_as_an_older_version(owner: Api) -> None:
    target = await folder(owner, "target")
    old = await file(owner, b"old")
    await owner.data(MOVE, ids=[old], parent=target)
    new = await file(owner, b"newer")
    (kept,) = (await owner.data(MOVE, ids=[new], parent=target, conflict="REPLACE"))["items"]
    assert kept["id"] == old
    versions = "query ($id: ID!) { file(id: $id) { size version { number size } } node(id: $id) { id } }"
    found = (await owner.call(versions, id=old))["data"]
    assert found["file"] == {"size": 5, "version": {"number": 2, "size": 5}}
    assert (await owner.call(versions, id=new))["data"] == {"file": None, "node": None}


async def test_the_trash_takes_items_and_gives_them_back(owner: Api) -> None:
    a = await folder(owner, "a")
    inner, b = await folder(owner, "inner", a), await folder(owner, "b")
    await owner.data(TRASH, ids=[a])
    (gone,) = (await owner.data(TRASH, ids=[b]))["items"]
    assert gone["trashedAt"]
    page = await owner.data(TRASHED, first=1)
    assert (page["totalCount"], [node["name"] for node in page["nodes"]]) == (2, ["b"])
    page = await owner.data(TRASHED, first=1, after=page["pageInfo"]["endCursor"])
    assert [node["name"] for node in page["nodes"]] == ["a"]
    assert await names(owner, await root(owner)) == []
    assert await owner.data(BY_PATH, path="/a") is None
    in_trash = {"field": ["input", "parentId"], "code": "IN_TRASH"}
    assert await refused(owner, CREATE, name="x", parent=inner) == in_trash
    assert await refused(owner, RENAME, id=inner, name="x") == {"field": ["input", "itemId"], "code": "IN_TRASH"}
    await folder(owner, "A")
    assert [item["name"] for item in (await owner.data(RESTORE, ids=[inner, a]))["items"]] == ["inner", "a (2)"]
    assert (await owner.data(BY_PATH, path="/a (2)/inner"))["id"] == inner


async def test_the_root_is_never_changed(owner: Api) -> None:
    top, a = await root(owner), await folder(owner, "a")
    at = {"field": ["input", "itemIds", "1"], "code": "INVALID_INPUT"}
    for document in (TRASH, RESTORE):
        assert await refused(owner, document, ids=[a, top]) == at
    for document in (MOVE, COPY):
        assert await refused(owner, document, ids=[a, top], parent=a) == at
    for document in (RENAME, STAR):
        error = await refused(owner, document, id=top, **{"name": "x"} if document is RENAME else {"starred": True})
        assert error == {"field": ["input", "itemId"], "code": "INVALID_INPUT"}


async def test_a_stranger_finds_and_changes_nothing(owner: Api, shared: SharedServer) -> None:
    a, top = await folder(owner, "a"), await root(owner)
    stranger = shared.api
    own = await folder(stranger, "own", conflict="KEEP_BOTH")
    for key in (a, top, "folder_" + "0" * 26, a.replace("folder", "file"), "x"):
        assert await stranger.data("query ($id: ID!) { item(id: $id) { id } }", id=key) is None
        for document in (TRASH, RESTORE, MOVE, COPY):
            error = await refused(stranger, document, ids=[own, key])
            assert error == {"field": ["input", "itemIds", "1"], "code": "NOT_FOUND"}
        for document in (MOVE, COPY):
            error = await refused(stranger, document, ids=[own], parent=key)
            assert error == {"field": ["input", "parentId"], "code": "NOT_FOUND"}
        assert (await refused(stranger, CREATE, name="x", parent=key))["code"] == "NOT_FOUND"
        assert (await refused(stranger, RENAME, id=key, name="x"))["code"] == "NOT_FOUND"
        assert (await refused(stranger, STAR, id=key, starred=True))["code"] == "NOT_FOUND"
    assert await names(owner, top) == ["a"]


@pytest.mark.parametrize("count", [0, 101])
async def test_a_mutation_takes_one_to_a_hundred_items(owner: Api, count: int) -> None:
    ids: Sequence[str] = [await folder(owner, "a", conflict="KEEP_BOTH")] * count
    for document in (TRASH, RESTORE, MOVE, COPY):
        error = await refused(owner, document, ids=ids)
        assert error == {"field": ["input", "itemIds"], "code": "INVALID_INPUT"}


async def test_hostile_filters_are_answered(owner: Api) -> None:
    top = await root(owner)
    await folder(owner, "a")
    everything = ["VIDEO", "AUDIO", "IMAGE", "DOCUMENT", "ARCHIVE", "OTHER"]
    for given, found in (
        ({"kinds": everything * 500}, []),
        ({"kinds": []}, []),
        ({"minSize": -(2**53), "maxSize": 2**53}, []),
        ({"createdAfter": "0001-01-01T00:00:00+23:59"}, ["a"]),
        ({"createdBefore": "9999-12-31T23:59:59-23:59"}, ["a"]),
        ({"createdBefore": "2000-01-01T00:00:00"}, []),
    ):
        assert await names(owner, top, filter=given) == found
