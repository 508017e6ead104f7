"""The feed of changes, for clients that keep a copy of the drive."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from services.core.clock import now
from services.core.ids import Prefix, encode
from storage.accounts import accounts
from storage.database.connection import atomically
from storage.drive import items
from storage.drive.models import Item, ItemKind
from storage.events import events
from storage.events.events import NewEvent, record
from storage.events.models import EventKind
from tests.support.server import Json, key_of
from tests.support.shared_server import SharedServer, another_user

pytestmark = pytest.mark.asyncio(loop_scope="module")

CURSOR = "{ changesCursor }"
CHANGES = """query ($after: String!, $first: Int) { changes(after: $after, first: $first) {
    edges { cursor node { cursor } } nodes { cursor kind itemId at item { id name } }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }"""
NO_CHANGE = "AAAAAAAAAAAAAAAA"


async def account_of(shared: SharedServer) -> UUID:
    return key_of((await shared.api.data("{ me { id } }"))["id"])


async def store(account_id: UUID, *changes: tuple[EventKind, Item]) -> None:
    """Record changes of items."""
    new = [
        NewEvent(kind, item.id, {"name": item.name, "parentId": None, "kind": item.kind.value})
        for kind, item in changes
    ]

    async def work() -> None:
        await accounts.lock(account_id)
        await record(account_id, new, now())

    await atomically(work)


async def new_folder(account_id: UUID, name: str = "a folder") -> Item:
    """A folder that is stored, without an event."""
    root = await items.ensure_root(account_id, now())
    folder = items.new_item(account_id, root.id, ItemKind.FOLDER, f"{name} {uuid4()}", now())
    await Item.bulk_create([folder])
    return folder


def missing_file() -> Item:
    return Item(id=uuid4(), name="gone", kind=ItemKind.FILE)


async def page_after(shared: SharedServer, after: str, first: int | None = None) -> Json:
    page: Json = await shared.api.data(CHANGES, after=after, first=first)
    return page


async def test_a_client_reads_every_change_once_and_in_order(shared: SharedServer) -> None:
    account_id = await account_of(shared)
    after = await shared.api.data(CURSOR)
    folder, file = await new_folder(account_id), missing_file()
    await store(account_id, (EventKind.CREATED, folder), (EventKind.RENAMED, folder), (EventKind.DELETED, file))
    first = await page_after(shared, after, 2)
    second = await page_after(shared, first["pageInfo"]["endCursor"], 2)
    assert [change["kind"] for change in first["nodes"] + second["nodes"]] == ["CREATED", "RENAMED", "DELETED"]
    assert (first["pageInfo"]["hasNextPage"], second["pageInfo"]["hasNextPage"]) == (True, False)
    assert [edge["cursor"] for edge in first["edges"]] == [change["cursor"] for change in first["nodes"]]
    assert first["pageInfo"]["endCursor"] == first["nodes"][-1]["cursor"]
    assert second["pageInfo"]["endCursor"] == await shared.api.data(CURSOR)


async def test_a_change_names_its_item_even_if_that_is_deleted(shared: SharedServer) -> None:
    account_id = await account_of(shared)
    after = await shared.api.data(CURSOR)
    folder, file = await new_folder(account_id), missing_file()
    await store(account_id, (EventKind.CREATED, folder), (EventKind.DELETED, file))
    created, deleted = (await page_after(shared, after))["nodes"]
    folder_id = encode(Prefix.FOLDER, folder.id)
    assert (created["itemId"], created["item"]) == (folder_id, {"id": folder_id, "name": folder.name})
    assert (deleted["itemId"], deleted["item"]) == (encode(Prefix.FILE, file.id), None)


async def test_an_empty_page_has_the_cursor_to_continue_with(shared: SharedServer) -> None:
    after = await shared.api.data(CURSOR)
    page = await page_after(shared, after)
    assert (page["nodes"], page["edges"]) == ([], [])
    assert page["pageInfo"] == {
        "hasNextPage": False,
        "hasPreviousPage": False,
        "startCursor": None,
        "endCursor": after,
    }


async def test_a_drive_without_changes_has_a_cursor_too(shared: SharedServer) -> None:
    async with another_user(shared) as bob:
        after = await bob.data(CURSOR)
        await store(key_of((await bob.data("{ me { id } }"))["id"]), (EventKind.CREATED, missing_file()))
        assert len((await bob.data(CHANGES, after=after))["nodes"]) == 1


async def test_a_new_file_is_in_the_feed(shared: SharedServer) -> None:
    after = await shared.api.data(CURSOR)
    content = uuid4().bytes
    upload = await shared.api.init(content)
    await shared.api.put(upload["slots"]["nodes"][0], content)
    await shared.api.frames(upload["id"])
    ready = await shared.api.look(upload["id"])
    (change,) = (await page_after(shared, after))["nodes"]
    assert (change["kind"], change["itemId"], change["item"]["name"]) == ("CREATED", ready["file"]["id"], "file.bin")


@pytest.mark.parametrize(
    ("after", "first", "field"),
    [("", None, "after"), ("0-0", None, "after"), (NO_CHANGE, 0, "first"), (NO_CHANGE, 101, "first")],
)
async def test_wrong_arguments_are_refused(shared: SharedServer, after: str, first: int | None, field: str) -> None:
    (error,) = (await shared.api.call(CHANGES, after=after, first=first))["errors"]
    assert error["extensions"]["code"] == "INVALID_INPUT"
    assert f"'{field}'" in error["message"] or field == "after"


async def test_a_client_that_was_away_for_too_long_is_told_to_list_the_drive_again(shared: SharedServer) -> None:
    account_id = await account_of(shared)
    after = await shared.api.data(CURSOR)
    await store(account_id, *[(EventKind.CREATED, missing_file())] * 2)
    await events.purge(now() + timedelta(days=1))
    (error,) = (await shared.api.call(CHANGES, after=after))["errors"]
    assert error["extensions"]["code"] == "CURSOR_EXPIRED"
    assert (await page_after(shared, await shared.api.data(CURSOR)))["nodes"] == []


async def test_the_feed_of_another_account_is_not_visible(shared: SharedServer) -> None:
    await store(await account_of(shared), (EventKind.CREATED, missing_file()))
    async with another_user(shared) as bob:
        (error,) = (await bob.call(CHANGES, after=await shared.api.data(CURSOR)))["errors"]
    assert error["extensions"]["code"] == "CURSOR_EXPIRED"


async def test_the_feed_needs_a_viewer(shared: SharedServer) -> None:
    answer = await shared.http.post("/graphql", json={"query": CURSOR})
    (error,) = answer.json()["errors"]
    assert error["extensions"]["code"] == "UNAUTHENTICATED"
