"""No bytes are lost if S3 throttles, fails, closes connections or is away, and clients see the reason of a delay."""

from collections.abc import AsyncIterator

import pytest

from cloudkeep.settings.settings import Settings
from tests.cloudkeep.http.test_s3 import CHUNK, CONTENT, REPORT
from tests.support.backends.s3 import ACCESS_KEY, SECRET_KEY, S3Server
from tests.support.faults.s3_faults import S3Faults, s3_faults
from tests.support.server import Api, Json, digest, http_client, key_of, part_of
from tests.support.waiting import eventually
from workers import job_runner, loop

WAITS = "query ($id: ID!) { upload(id: $id) { status waitsFor } }"


@pytest.fixture
async def faults(s3: S3Server) -> AsyncIterator[S3Faults]:
    """A proxy before S3 that causes faults."""
    async with s3_faults(s3.endpoint) as running:
        yield running


@pytest.fixture
def settings(settings: Settings, s3: S3Server, faults: S3Faults) -> Settings:
    """The usual settings, with files on S3 behind the proxy."""
    keys = {"s3_access_key": ACCESS_KEY, "s3_secret_key": SECRET_KEY}
    return settings.model_copy(update={"blob_url": s3.url(s3.new_place(), faults.url), **keys})


@pytest.fixture(autouse=True)
def _eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retry waiting jobs soon, but late enough for the test to see on a slow machine that they wait."""
    monkeypatch.setattr(job_runner, "WAIT_SECONDS", 1.0)
    monkeypatch.setattr(loop, "POLL_SECONDS", 0.1)


def line_of(upload: Json) -> bytes:
    """The part that all request lines for an upload's staging area contain."""
    return str(key_of(upload["id"])).encode()


@pytest.mark.usefixtures("worker")
async def test_a_chunk_that_s3_throttles_gets_503_and_can_be_sent_again(api: Api, faults: S3Faults) -> None:
    upload = await api.init(CONTENT, chunkSize=CHUNK)
    slots = upload["slots"]["nodes"]
    for slot, (status, code) in zip(slots, [(503, "SlowDown"), (500, "InternalError"), (503, "SlowDown")], strict=True):
        faults.refuse("PUT", status, code)
        answer = await api.put(slot, CONTENT)
        assert (answer.status_code, answer.json()["code"]) == (503, "STORAGE_UNAVAILABLE")
        assert int(answer.headers["Retry-After"]) > 0
        assert (await api.put(slot, CONTENT)).status_code == 200
    assert (await api.frames(upload["id"]))[-1]["stage"] == "READY"


@pytest.mark.usefixtures("worker")
async def test_a_single_contradictory_response_of_s3_withdraws_no_receipt(api: Api, faults: S3Faults) -> None:
    upload = await api.init(CONTENT, chunkSize=CHUNK)
    first, *others = upload["slots"]["nodes"]
    assert (await api.put(first, CONTENT)).status_code == 200
    faults.refuse("PUT", 404, "NoSuchUpload")
    answer = await api.put(others[0], CONTENT)
    assert (answer.status_code, answer.json()["code"]) == (503, "STORAGE_UNAVAILABLE")
    assert (await api.look(upload["id"]))["receivedChunks"] == 1
    for slot in others:
        assert (await api.put(slot, CONTENT)).status_code == 200
    assert (await api.frames(upload["id"]))[-1]["stage"] == "READY"


async def test_a_report_that_the_store_contradicts_can_be_sent_again(api: Api, faults: S3Faults) -> None:
    upload = await api.init(CONTENT, chunkSize=CHUNK, direct=True)
    slot = upload["slots"]["nodes"][0]
    piece = part_of(slot, CONTENT)
    async with http_client() as client:
        etag = (await client.put(slot["url"], content=piece)).headers["ETag"]
    report = {"index": 0, "etag": etag, "sha256": digest(piece)}
    faults.refuse("GET", 404, "NoSuchUpload", line=line_of(upload))
    refused = await api.data(REPORT, id=upload["id"], chunks=[report])
    assert [error["code"] for error in refused["userErrors"]] == ["STORAGE_UNAVAILABLE"]
    payload = await api.data(REPORT, id=upload["id"], chunks=[report])
    assert payload["upload"]["receivedChunks"] == 1


@pytest.mark.usefixtures("worker")
async def test_requests_without_a_body_are_retried(api: Api, faults: S3Faults) -> None:
    faults.refuse("POST", 503, "SlowDown", times=2)
    faults.refuse("HEAD", 503, "SlowDown")
    upload = await api.upload(CONTENT, chunkSize=CHUNK)
    assert (await api.frames(upload["id"]))[-1]["stage"] == "READY"
    assert faults.refusals == []


@pytest.mark.usefixtures("worker")
async def test_a_download_from_s3_continues_where_its_connection_was_lost(api: Api, faults: S3Faults) -> None:
    upload = await api.init(CONTENT, chunkSize=CHUNK)
    faults.cut(line_of(upload), 700, 100_000)
    for slot in upload["slots"]["nodes"]:
        assert (await api.put(slot, CONTENT)).status_code == 200
    assert (await api.frames(upload["id"]))[-1]["stage"] == "READY"
    upload_state = await api.look(upload["id"])
    assert not faults.cuts
    assert (await api.http.get(upload_state["file"]["downloadUrl"])).content == CONTENT


@pytest.mark.usefixtures("worker")
async def test_a_reassembly_waits_for_a_store_that_is_away(api: Api, faults: S3Faults) -> None:
    upload = await api.init(CONTENT, chunkSize=CHUNK)

    async def waits() -> bool:
        upload_state = await api.data(WAITS, id=upload["id"])
        return bool(upload_state == {"status": "REASSEMBLING", "waitsFor": "STORAGE_UNAVAILABLE"})

    with faults.away("GET", line_of(upload)):
        for slot in upload["slots"]["nodes"]:
            assert (await api.put(slot, CONTENT)).status_code == 200
        await eventually(waits)
    assert (await api.frames(upload["id"]))[-1]["stage"] == "READY"
