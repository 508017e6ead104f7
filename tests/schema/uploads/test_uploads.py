"""Uploads through the GraphQL schema, from the first slot to the last status."""

import pytest

from tests.support.server import Api, Json, digest
from tests.support.shared_server import SharedServer

pytestmark = pytest.mark.asyncio(loop_scope="module")

CONTENT = b"some bytes" * 30_000
COMPLETE = (
    "mutation ($id: ID!) { completeUpload(input: {uploadId: $id}) { upload { id status } userErrors { field code } } }"
)
ABORT = "mutation ($id: ID!) { abortUpload(input: {uploadId: $id}) { upload { id status } userErrors { field code } } }"


async def settle(api: Api, upload: Json) -> Json:
    """The upload after the last event of its progress."""
    await api.frames(upload["id"])
    done: Json = await api.look(upload["id"])
    return done


async def test_an_uploaded_file_is_ready_and_can_be_downloaded_unchanged(shared: SharedServer) -> None:
    upload = await shared.api.upload(CONTENT, chunkSize=100_000)
    file = (await settle(shared.api, upload))["file"]
    assert (file["size"], file["sha256"]) == (len(CONTENT), digest(CONTENT))
    assert (await shared.http.get(file["downloadUrl"])).content == CONTENT


async def test_an_upload_shows_what_has_arrived(shared: SharedServer) -> None:
    upload = await shared.api.init(CONTENT, chunkSize=100_000)
    assert (upload["chunkSize"], upload["chunkCount"], upload["receivedChunks"]) == (100_000, 3, 0)
    await shared.api.put(upload["slots"]["nodes"][2], CONTENT)
    now = await shared.api.look(upload["id"])
    assert (now["status"], now["receivedChunks"], now["receivedBytes"]) == ("RECEIVING", 1, 100_000)
    assert (now["file"], now["error"]) == (None, None)


async def test_a_correct_sha256_of_the_file_is_accepted_in_capitals(shared: SharedServer) -> None:
    new = CONTENT + b" of a new file"
    upload = await shared.api.upload(new, sha256=digest(new).upper())
    assert (await settle(shared.api, upload))["status"] == "READY"


async def test_a_wrong_sha256_of_the_file_fails_the_upload_with_a_reason(shared: SharedServer) -> None:
    upload = await shared.api.upload(CONTENT, sha256="0" * 64)
    done = await settle(shared.api, upload)
    assert (done["status"], done["file"], done["error"]["code"]) == ("FAILED", None, "CHECKSUM_MISMATCH")
    assert upload["id"] not in shared.staged


async def test_a_file_that_is_not_a_video_is_stored_with_an_error(shared: SharedServer) -> None:
    upload = await shared.api.upload(CONTENT, compress={"preset": "FAST"})
    done = await settle(shared.api, upload)
    assert (done["status"], done["error"]["code"]) == ("READY", "NOT_A_VIDEO")
    assert (done["file"]["media"], done["file"]["renditions"]) == (None, [])


async def test_an_upload_is_not_complete_while_chunks_are_missing(shared: SharedServer) -> None:
    upload = await shared.api.init(CONTENT, chunkSize=100_000)
    await shared.api.put(upload["slots"]["nodes"][0], CONTENT)
    payload = await shared.api.data(COMPLETE, id=upload["id"])
    assert payload == {"upload": None, "userErrors": [{"field": None, "code": "CHUNKS_MISSING"}]}


async def test_completing_an_upload_can_be_repeated(shared: SharedServer) -> None:
    upload = await shared.api.upload(CONTENT)
    assert (await shared.api.data(COMPLETE, id=upload["id"]))["userErrors"] == []
    await settle(shared.api, upload)
    assert (await shared.api.data(COMPLETE, id=upload["id"]))["upload"]["status"] == "READY"


async def test_aborting_an_upload_can_be_repeated_and_leaves_nothing_behind(shared: SharedServer) -> None:
    upload = await shared.api.init(CONTENT)
    assert upload["id"] in shared.staged
    for _ in range(2):
        payload = await shared.api.data(ABORT, id=upload["id"])
        assert payload == {"upload": {"id": upload["id"], "status": "ABORTED"}, "userErrors": []}
    assert upload["id"] not in shared.staged


async def test_a_finished_upload_cannot_be_aborted(shared: SharedServer) -> None:
    upload = await shared.api.upload(CONTENT)
    done = await settle(shared.api, upload)
    payload = await shared.api.data(ABORT, id=upload["id"])
    assert [error["code"] for error in payload["userErrors"]] == ["UPLOAD_CLOSED"]
    assert (await shared.http.get(done["file"]["downloadUrl"])).content == CONTENT


async def test_an_aborted_upload_cannot_be_completed(shared: SharedServer) -> None:
    upload = await shared.api.init(CONTENT)
    await shared.api.data(ABORT, id=upload["id"])
    payload = await shared.api.data(COMPLETE, id=upload["id"])
    assert [error["code"] for error in payload["userErrors"]] == ["UPLOAD_CLOSED"]


async def test_an_idempotency_key_is_free_after_an_abort(shared: SharedServer) -> None:
    first = await shared.api.init(CONTENT, idempotencyKey="used twice")
    await shared.api.data(ABORT, id=first["id"])
    assert (await shared.api.init(CONTENT, idempotencyKey="used twice"))["id"] != first["id"]


async def test_a_resumed_upload_gets_the_missing_slots(shared: SharedServer) -> None:
    first = await shared.api.init(CONTENT, chunkSize=100_000, idempotencyKey="resumed")
    await shared.api.put(first["slots"]["nodes"][1], CONTENT)
    again = await shared.api.init(CONTENT, chunkSize=100_000, idempotencyKey="resumed")
    assert [slot["received"] for slot in again["slots"]["nodes"]] == [False, True, False]
    for slot in (await shared.api.look(again["id"]))["slots"]["nodes"]:
        await shared.api.put(slot, CONTENT)
    assert (await settle(shared.api, again))["status"] == "READY"
