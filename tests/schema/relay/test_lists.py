"""Paginated lists of uploads, files and slots."""

import asyncio
from typing import Any

import pytest
import pytest_asyncio

from tests.support.server import Api, Json
from tests.support.shared_server import SharedServer, another_user

pytestmark = pytest.mark.asyncio(loop_scope="module")

CHUNK_SIZE = 65_536
CONTENT = bytes(CHUNK_SIZE * 6)
PAGE = "edges { cursor node { id } } nodes { id } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }"
UPLOADS = f"""query ($first: Int, $after: String, $last: Int, $before: String, $status: UploadStatus) {{
    uploads(first: $first, after: $after, last: $last, before: $before, status: $status) {{ {PAGE} }} }}"""
FILES = f"""query ($first: Int, $after: String, $last: Int, $before: String) {{
    files(first: $first, after: $after, last: $last, before: $before) {{ {PAGE} }} }}"""
SLOTS = """query ($id: ID!, $first: Int, $after: String, $last: Int, $before: String, $missing: Boolean) {
    upload(id: $id) { slots(first: $first, after: $after, last: $last, before: $before, missing: $missing) {
      nodes { index offset size received } pageInfo { hasNextPage endCursor } } } }"""
COUNTS = """query ($id: ID!) {
    receiving: uploads(status: RECEIVING) { totalCount } ready: uploads(status: READY) { totalCount }
    upload(id: $id) { all: slots { totalCount } missing: slots(missing: true) { totalCount } } }"""
SLOT = "query ($id: ID!, $index: Int!) { upload(id: $id) { slot(index: $index) { index offset size received url } } }"
NODE = "query ($id: ID!) { node(id: $id) { __typename id ... on Upload { fileName } ... on File { name } } }"
ABORT = "mutation ($id: ID!) { abortUpload(input: {uploadId: $id}) { upload { status } userErrors { code } } }"
LISTS = {"uploads": UPLOADS, "files": FILES}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def owner(shared: SharedServer) -> Any:
    """A user with five files and their five uploads."""
    async with another_user(shared) as api:
        for number in range(5):
            upload = await api.upload(b"x" * (number + 1), fileName=f"{number}.bin")
            await api.frames(upload["id"])
        yield api


@pytest.mark.parametrize("document", LISTS.values(), ids=LISTS.keys())
async def test_pages_follow_each_other_without_gap_or_overlap(owner: Api, document: str) -> None:
    whole = await owner.data(document, first=100)
    ids, after = [], None
    for expected in (2, 2, 1):
        page = await owner.data(document, first=2, after=after)
        assert len(page["nodes"]) == expected
        ids += [node["id"] for node in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
    assert ids == [node["id"] for node in whole["nodes"]] == sorted(ids, reverse=True)
    assert not page["pageInfo"]["hasNextPage"]


@pytest.mark.parametrize("document", LISTS.values(), ids=LISTS.keys())
async def test_edges_and_nodes_are_the_same(owner: Api, document: str) -> None:
    page = await owner.data(document, first=2)
    assert [edge["node"] for edge in page["edges"]] == page["nodes"]
    assert page["edges"][-1]["cursor"] == page["pageInfo"]["endCursor"]


@pytest.mark.parametrize("document", LISTS.values(), ids=LISTS.keys())
async def test_the_page_after_the_last_item_is_empty(owner: Api, document: str) -> None:
    whole = await owner.data(document, first=5)
    assert not whole["pageInfo"]["hasNextPage"]
    page = await owner.data(document, after=whole["pageInfo"]["endCursor"])
    info = {"hasNextPage": False, "hasPreviousPage": True, "startCursor": None, "endCursor": None}
    assert page == {"edges": [], "nodes": [], "pageInfo": info}


@pytest.mark.parametrize("document", LISTS.values(), ids=LISTS.keys())
@pytest.mark.parametrize("wrong", [{"first": 0}, {"first": -1}, {"first": 101}, {"first": 2**31 - 1}], ids=str)
async def test_a_page_has_1_to_100_items(owner: Api, document: str, wrong: Json) -> None:
    answer = await owner.call(document, **wrong)
    assert (answer["data"], answer["errors"][0]["extensions"]["code"]) == (None, "INVALID_INPUT")


@pytest.mark.parametrize("document", LISTS.values(), ids=LISTS.keys())
@pytest.mark.parametrize("after", ["", "x", "0", "null", "%00", "\0", "9" * 10_000])
async def test_a_cursor_that_this_server_did_not_make_is_refused(owner: Api, document: str, after: str) -> None:
    answer = await owner.call(document, after=after)
    assert (answer["data"], answer["errors"][0]["extensions"]["code"]) == (None, "INVALID_INPUT")


@pytest.mark.parametrize("document", LISTS.values(), ids=LISTS.keys())
async def test_an_anonymous_client_has_no_lists(shared: SharedServer, document: str) -> None:
    answer = await Api(shared.http).call(document)
    assert (answer["data"], answer["errors"][0]["extensions"]["code"]) == (None, "UNAUTHENTICATED")


async def test_a_page_has_a_default_size(owner: Api) -> None:
    assert len((await owner.data("{ files { nodes { id } } }"))["nodes"]) == 5
    assert len((await owner.data(FILES, first=None))["nodes"]) == 5


async def test_uploads_are_listed_by_status(shared: SharedServer) -> None:
    async with another_user(shared) as api:
        going, gone = [await api.init(b"x") for _ in range(2)]
        await api.data(ABORT, id=gone["id"])
        for status, expected in (("RECEIVING", [going]), ("ABORTED", [gone]), ("READY", [])):
            page = await api.data(UPLOADS, status=status)
            assert [node["id"] for node in page["nodes"]] == [upload["id"] for upload in expected]


@pytest.mark.parametrize("document", LISTS.values(), ids=LISTS.keys())
async def test_pages_can_be_read_from_the_end_to_the_beginning(owner: Api, document: str) -> None:
    whole = (await owner.data(document, first=100))["nodes"]
    nodes: list[Json] = []
    before = None
    for expected, has_previous in ((2, True), (2, True), (1, False)):
        page = await owner.data(document, last=2, before=before)
        assert (len(page["nodes"]), page["pageInfo"]["hasPreviousPage"]) == (expected, has_previous)
        assert page["pageInfo"]["hasNextPage"] is (before is not None)
        nodes = page["nodes"] + nodes
        before = page["pageInfo"]["startCursor"]
    assert nodes == whole


@pytest.mark.parametrize("document", LISTS.values(), ids=LISTS.keys())
async def test_a_page_in_the_middle_says_that_there_are_items_on_both_sides(owner: Api, document: str) -> None:
    first = await owner.data(document, first=2)
    middle = (await owner.data(document, first=1, after=first["pageInfo"]["endCursor"]))["pageInfo"]
    assert (middle["hasPreviousPage"], middle["hasNextPage"]) == (True, True)
    assert middle["startCursor"] == middle["endCursor"]


@pytest.mark.parametrize("name", ["uploads", "files"])
async def test_all_items_of_a_list_are_counted(owner: Api, name: str) -> None:
    assert await owner.data(f"{{ {name}(first: 1) {{ totalCount }} }}") == {"totalCount": 5}


async def test_uploads_are_counted_by_status_and_slots_by_what_is_missing(shared: SharedServer) -> None:
    async with another_user(shared) as api:
        upload = await api.init(CONTENT, chunkSize=CHUNK_SIZE)
        await api.put(upload["slots"]["nodes"][1], CONTENT)
        counts = await api.call(COUNTS, id=upload["id"])
        assert {name: field["totalCount"] for name, field in counts["data"].items() if name != "upload"} == {
            "receiving": 1,
            "ready": 0,
        }
        assert counts["data"]["upload"] == {"all": {"totalCount": 6}, "missing": {"totalCount": 5}}


@pytest.mark.parametrize("document", LISTS.values(), ids=LISTS.keys())
async def test_first_and_last_cannot_be_combined(owner: Api, document: str) -> None:
    answer = await owner.call(document, first=1, last=1)
    assert (answer["data"], answer["errors"][0]["extensions"]["code"]) == (None, "INVALID_INPUT")


async def test_the_last_slots_are_returned_in_ascending_order(shared: SharedServer) -> None:
    upload = await shared.api.init(CONTENT, chunkSize=CHUNK_SIZE)
    await shared.api.put(upload["slots"]["nodes"][4], CONTENT)
    slots = (await shared.api.data(SLOTS, id=upload["id"], last=2))["slots"]
    assert [slot["index"] for slot in slots["nodes"]] == [4, 5]
    before = slots["pageInfo"]["endCursor"]
    missing = (await shared.api.data(SLOTS, id=upload["id"], last=2, before=before, missing=True))["slots"]
    assert [slot["index"] for slot in missing["nodes"]] == [2, 3]


async def test_every_slot_has_a_unique_id(owner: Api) -> None:
    ids = [
        slot["id"]
        for upload in (await owner.data("{ uploads { nodes { slots { nodes { id } } } } }"))["nodes"]
        for slot in upload["slots"]["nodes"]
    ]
    assert len(ids) == len(set(ids)) == 5
    assert await owner.data(NODE, id=ids[0]) is None


async def test_missing_slots_are_found_page_by_page_while_others_are_filled(shared: SharedServer) -> None:
    upload = await shared.api.init(CONTENT, chunkSize=CHUNK_SIZE)
    slots = upload["slots"]["nodes"]
    await shared.api.put(slots[1], CONTENT)
    first = (await shared.api.data(SLOTS, id=upload["id"], first=2, missing=True))["slots"]
    assert [slot["index"] for slot in first["nodes"]] == [0, 2]
    await asyncio.gather(*(shared.api.put(slots[index], CONTENT) for index in (0, 2, 4)))
    after = first["pageInfo"]["endCursor"]
    rest = (await shared.api.data(SLOTS, id=upload["id"], first=9, after=after, missing=True))["slots"]
    assert [slot["index"] for slot in rest["nodes"]] == [3, 5]
    assert not rest["pageInfo"]["hasNextPage"]


async def test_a_slot_is_found_by_its_index_and_its_url_accepts_the_chunk(shared: SharedServer) -> None:
    upload = await shared.api.init(CONTENT, chunkSize=CHUNK_SIZE)
    for slot in (upload["slots"]["nodes"][index] for index in (0, 5)):
        one_slot = (await shared.api.data(SLOT, id=upload["id"], index=slot["index"]))["slot"]
        assert {**one_slot, "url": ""} == {**slot, "url": ""}
        assert (await shared.api.put(one_slot, CONTENT)).status_code == 200
        again = (await shared.api.data(SLOT, id=upload["id"], index=slot["index"]))["slot"]
        assert again["received"] is True


@pytest.mark.parametrize("index", [-1, 6, 2**31 - 1])
async def test_there_is_no_slot_beyond_the_file(shared: SharedServer, index: int) -> None:
    upload = await shared.api.init(CONTENT, chunkSize=CHUNK_SIZE)
    assert (await shared.api.data(SLOT, id=upload["id"], index=index))["slot"] is None


async def test_slots_are_listed_in_order_with_what_was_received(shared: SharedServer) -> None:
    upload = await shared.api.init(CONTENT, chunkSize=CHUNK_SIZE)
    await shared.api.put(upload["slots"]["nodes"][2], CONTENT)
    slots = (await shared.api.data(SLOTS, id=upload["id"]))["slots"]["nodes"]
    assert [slot["received"] for slot in slots] == [False, False, True, False, False, False]
    assert [slot["offset"] for slot in slots] == [index * CHUNK_SIZE for index in range(6)]


@pytest.mark.parametrize(
    "wrong",
    [
        {"first": 0},
        {"first": -1},
        {"first": 1_001},
        {"after": "x"},
        {"after": "-1"},
        {"after": ""},
        {"after": "9" * 99},
    ],
    ids=str,
)
async def test_pages_of_slots_have_1_to_1000_items_and_accept_only_valid_cursors(
    shared: SharedServer, wrong: Json
) -> None:
    upload = await shared.api.init(CONTENT)
    answer = await shared.api.call(SLOTS, id=upload["id"], **wrong)
    assert answer["errors"][0]["extensions"]["code"] == "INVALID_INPUT"


async def test_the_page_after_the_last_slot_is_empty(shared: SharedServer) -> None:
    upload = await shared.api.init(CONTENT, chunkSize=CHUNK_SIZE)
    for after in ("5", "999999999"):
        slots = (await shared.api.data(SLOTS, id=upload["id"], after=after))["slots"]
        assert slots == {"nodes": [], "pageInfo": {"hasNextPage": False, "endCursor": None}}
