"""The chunks of several small files in one form."""

import secrets

import pytest

from tests.support.server import Api, Json, digest
from tests.support.shared_server import SharedServer

pytestmark = pytest.mark.asyncio(loop_scope="module")

INIT = """mutation ($input: InitUploadsInput!) { initUploads(input: $input) { userErrors { code field }
  results { upload { id status slot(index: 0) { url } parent { name } } userErrors { code field } } } }"""
BY_IDS = "query ($ids: [ID!]!) { uploadsByIds(ids: $ids) { id status } }"


async def begin(api: Api, contents: list[bytes], **more: object) -> list[Json]:
    asked = [{"fileName": f"{index}", "size": len(each), **more} for index, each in enumerate(contents)]
    payload = await api.data(INIT, input={"uploads": asked})
    return [result["upload"] for result in payload["results"]]


def form(uploads: list[Json], contents: list[bytes]) -> list[tuple[str, tuple[str, bytes]]]:
    return [(each["slot"]["url"], ("chunk", body)) for each, body in zip(uploads, contents, strict=True)]


async def test_small_files_are_stored_by_two_requests(shared: SharedServer) -> None:
    contents = [secrets.token_bytes(100 + number) for number in range(20)]
    uploads = await begin(shared.api, contents, relativePath="small/files")
    assert {each["parent"]["name"] for each in uploads} == {"files"}
    response = await shared.http.post("/uploads/chunks", files=form(uploads, contents))
    assert response.status_code == 200, response.text
    assert [each["sha256"] for each in response.json()["chunks"]] == [digest(each) for each in contents]
    found = await shared.api.data(BY_IDS, ids=[each["id"] for each in uploads])
    assert {each["status"] for each in found} == {"REASSEMBLING"}


async def test_one_bad_chunk_does_not_keep_the_others(shared: SharedServer) -> None:
    contents = [secrets.token_bytes(100) for _ in range(3)]
    uploads = await begin(shared.api, contents)
    await shared.http.put(uploads[1]["slot"]["url"], content=contents[1])
    changed = [contents[0], contents[1][::-1], contents[2]]
    chunks = (await shared.http.post("/uploads/chunks", files=form(uploads, changed))).json()["chunks"]
    assert [each.get("code") for each in chunks] == [None, "SLOT_CONFLICT", None]
    # The same problem as for a chunk by itself.
    problem = (await shared.http.put(uploads[1]["slot"]["url"], content=changed[1])).json()
    assert {**chunks[1], "requestId": problem["requestId"]} == problem


async def test_a_form_with_a_forged_url_is_refused(shared: SharedServer) -> None:
    contents = [secrets.token_bytes(100)]
    uploads = await begin(shared.api, contents)
    url = str(uploads[0]["slot"]["url"])
    for forged, code in ((url[:-3] + "abc", "URL_INVALID"), ("chunk", "URL_INVALID")):
        response = await shared.http.post("/uploads/chunks", files=[(forged, ("chunk", contents[0]))])
        assert (response.status_code, response.json()["code"]) == (403, code)


@pytest.mark.parametrize("change", [b"", b"x"])
async def test_a_part_has_the_size_of_its_slot(shared: SharedServer, change: bytes) -> None:
    contents = [secrets.token_bytes(100)]
    uploads = await begin(shared.api, contents)
    sent = form(uploads, [contents[0] + change if change else contents[0][:-1]])
    response = await shared.http.post("/uploads/chunks", files=sent)
    assert (response.status_code, response.json()["code"]) == (400, "MALFORMED_REQUEST")


async def test_a_form_with_two_contents_for_a_slot_is_refused(shared: SharedServer) -> None:
    contents = [secrets.token_bytes(100) for _ in range(2)]
    (upload,) = await begin(shared.api, contents[:1])
    response = await shared.http.post("/uploads/chunks", files=form([upload, upload], contents))
    assert (response.status_code, response.json()["code"]) == (400, "MALFORMED_REQUEST")
    (found,) = await shared.api.data(BY_IDS, ids=[upload["id"]])
    assert found["status"] == "RECEIVING"


async def test_each_file_of_a_batch_has_its_own_errors(shared: SharedServer) -> None:
    asked = [{"fileName": "a", "size": 1}, {"fileName": "a/b", "size": -1}]
    payload = await shared.api.data(INIT, input={"uploads": asked})
    first, second = payload["results"]
    assert (first["upload"]["status"], first["userErrors"], second["upload"]) == ("RECEIVING", [], None)
    assert [each["field"] for each in second["userErrors"]] == [
        ["input", "uploads", "1", "fileName"],
        ["input", "uploads", "1", "size"],
    ]


async def test_a_batch_has_at_most_a_hundred_files(shared: SharedServer) -> None:
    for count in (0, 101):
        payload = await shared.api.data(INIT, input={"uploads": [{"fileName": "a", "size": 1}] * count})
        assert payload["userErrors"] == [{"code": "INVALID_INPUT", "field": ["input", "uploads"]}]
