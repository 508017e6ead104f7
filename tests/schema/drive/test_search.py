"""The field ``search``, through the API."""

import pytest

from services.drive import search as service
from tests.support.server import Api, Json

CREATE = """
mutation ($name: String!, $parent: ID) {
  createFolder(input: {name: $name, parentId: $parent}) { folder { id } userErrors { code } }
}"""
TRASH = "mutation ($ids: [ID!]!) { trashItems(input: {itemIds: $ids}) { userErrors { code } } }"
STAR = "mutation ($id: ID!) { starItem(input: {itemId: $id, starred: true}) { userErrors { code } } }"
RENAME = """
mutation ($id: ID!, $name: String!) { renameItem(input: {itemId: $id, name: $name}) { userErrors { code } } }"""
SEARCH = """
query ($query: String!, $filter: ItemFilter, $first: Int, $after: String) {
  search(query: $query, filter: $filter, first: $first, after: $after) {
    edges { cursor node { __typename id name } }
    nodes { name }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}"""


async def create(api: Api, name: str, parent: str | None = None) -> str:
    """Create a folder. Returns its ID."""
    payload = await api.data(CREATE, name=name, parent=parent)
    return str(payload["folder"]["id"])


async def search(api: Api, query: str, **arguments: object) -> Json:
    page: Json = await api.data(SEARCH, query=query, **arguments)
    assert [edge["node"]["name"] for edge in page["edges"]] == names(page)
    return page


def names(page: Json) -> list[str]:
    return [node["name"] for node in page["nodes"]]


async def test_items_are_found_by_words_of_their_names_the_newest_first(api: Api) -> None:
    folder = await create(api, "Été en Bretagne")
    await create(api, "été 2", folder)
    await create(api, "winter")
    assert names(await search(api, "ETE")) == ["été 2", "Été en Bretagne"]
    assert names(await search(api, "bret ete")) == ["Été en Bretagne"]


async def test_a_stored_file_is_found(api: Api, worker: None) -> None:
    await api.frames((await api.upload(b"text", fileName="Straße.txt"))["id"])
    page = await search(api, "strasse", filter={"maxSize": 4})
    assert [(edge["node"]["__typename"], edge["node"]["name"]) for edge in page["edges"]] == [("File", "Straße.txt")]
    assert names(await search(api, "strasse", filter={"minSize": 5})) == []


async def test_changes_are_found_at_once(api: Api) -> None:
    folder = await create(api, "first")
    child = await create(api, "child", folder)
    await api.data(RENAME, id=folder, name="second")
    await api.data(STAR, id=child)
    assert names(await search(api, "first")) == []
    assert names(await search(api, "second")) == ["second"]
    assert names(await search(api, "child", filter={"starred": True})) == ["child"]
    await api.data(TRASH, ids=[folder])
    assert names(await search(api, "child")) == []


async def test_other_accounts_find_nothing(api: Api, other: Api) -> None:
    await create(api, "clip")
    assert names(await search(other, "clip")) == []


async def test_a_client_reads_page_after_page_by_the_end_cursor(api: Api) -> None:
    for number in range(5):
        await create(api, f"clip {number}")
    first = await search(api, "clip", first=2)
    assert names(first) == ["clip 4", "clip 3"]
    assert first["pageInfo"] == {
        "hasNextPage": True,
        "hasPreviousPage": False,
        "startCursor": first["edges"][0]["cursor"],
        "endCursor": first["edges"][1]["cursor"],
    }
    rest = await search(api, "clip", first=10, after=first["pageInfo"]["endCursor"])
    assert names(rest) == ["clip 2", "clip 1", "clip 0"]
    assert (rest["pageInfo"]["hasNextPage"], rest["pageInfo"]["hasPreviousPage"]) == (False, True)


async def test_an_empty_page_with_a_next_one_says_where_that_begins(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = await create(api, "clip wanted")
    await api.data(STAR, id=wanted)
    for number in range(4):
        await create(api, f"clip {number}")
    monkeypatch.setattr(service, "MAX_CANDIDATES", 2)
    page = await search(api, "clip", first=1, filter={"starred": True})
    assert (names(page), page["pageInfo"]["hasNextPage"], page["pageInfo"]["startCursor"]) == ([], True, None)
    while not names(page):
        page = await search(api, "clip", first=1, filter={"starred": True}, after=page["pageInfo"]["endCursor"])
    assert names(page) == ["clip wanted"]


@pytest.mark.parametrize(
    "arguments",
    [
        {"query": " "},
        {"query": "a" * 301},
        {"query": "a", "first": 0},
        {"query": "a", "first": 101},
        {"query": "a", "after": "x"},
        {"query": "a", "after": "9" * 19},
    ],
)
async def test_wrong_arguments_are_refused(api: Api, arguments: Json) -> None:
    answer = await api.call(SEARCH, **arguments)
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["INVALID_INPUT"]
