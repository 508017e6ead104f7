"""A server and a worker that store files on a real S3 server."""

import asyncio
import random

import httpx
import pytest

from cloudkeep.resources.resources import open_store
from cloudkeep.settings.settings import Settings
from cloudkeep.supervisor.bootstrap import require_bucket
from services.maintenance.doctor import Doctor
from storage.uploads.models import Chunk
from tests.support.backends.s3 import ACCESS_KEY, SECRET_KEY, S3Server
from tests.support.server import Api, digest, http_client, key_of, part_of
from tests.support.waiting import eventually

MIB = 1024 * 1024
CHUNK = 5 * MIB
CONTENT = random.Random(5).randbytes(2 * CHUNK + 1_000)


@pytest.fixture
def bucket(s3: S3Server) -> str:
    """A bucket for this test only."""
    return s3.new_bucket()


@pytest.fixture
def settings(settings: Settings, s3: S3Server, bucket: str) -> Settings:
    """The usual settings, with files on S3."""
    keys = {"s3_access_key": ACCESS_KEY, "s3_secret_key": SECRET_KEY}
    return settings.model_copy(update={"blob_url": s3.url(bucket), **keys})


async def send(api: Api, content: bytes = CONTENT, **more: object) -> str:
    """Send all chunks of a file in parallel, half of them as forms. Returns the ID of the upload."""
    upload = await api.init(content, **{"chunkSize": CHUNK, **more})

    async def one(slot: dict[str, object]) -> httpx.Response:
        return await (api.put if int(str(slot["index"])) % 2 else api.post)(slot, content)

    for answer in await asyncio.gather(*map(one, upload["slots"]["nodes"])):
        assert answer.status_code == 200, answer.text
    return str(upload["id"])


@pytest.mark.usefixtures("worker")
async def test_a_file_goes_through_the_server_to_s3_and_back(api: Api, s3: S3Server, bucket: str) -> None:
    upload_id = await send(api, sha256=digest(CONTENT))
    frames = await api.frames(upload_id)
    assert frames[-1]["stage"] == "READY"
    upload_state = await api.look(upload_id)
    assert upload_state["file"]["sha256"] == digest(CONTENT)
    answer = await api.http.get(upload_state["file"]["downloadUrl"])
    assert (answer.status_code, answer.content == CONTENT) == (200, True)
    part = await api.http.get(upload_state["file"]["downloadUrl"], headers={"Range": f"bytes={CHUNK - 3}-{CHUNK + 3}"})
    assert (part.status_code, part.content) == (206, CONTENT[CHUNK - 3 : CHUNK + 4])
    client = s3.client()
    assert "Uploads" not in client.list_multipart_uploads(Bucket=bucket)
    key = str(key_of(upload_id))
    keys = [one["Key"] for one in client.list_objects_v2(Bucket=bucket)["Contents"]]
    assert keys == [key, f"records/{key}"]


REPORT = """mutation ($id: ID!, $chunks: [ReportedChunk!]!) { reportChunks(input: {uploadId: $id, chunks: $chunks}) {
    upload { id status receivedChunks direct } userErrors { field code message } } }"""


@pytest.mark.usefixtures("worker")
async def test_a_chunk_that_is_damaged_on_s3_opens_only_its_own_slot(api: Api) -> None:
    upload = await api.init(CONTENT, chunkSize=CHUNK)
    slots = upload["slots"]["nodes"]
    for slot in slots[:2]:
        assert (await api.put(slot, CONTENT)).status_code == 200
    await Chunk.filter(upload_id=key_of(upload["id"]), index=1).update(xxh3="0" * 32)
    assert (await api.put(slots[2], CONTENT)).status_code == 200

    async def reopened() -> bool:
        upload_state = await api.look(upload["id"])
        return [slot["index"] for slot in upload_state["slots"]["nodes"]] == [1]

    await eventually(reopened)
    again = await api.look(upload["id"])
    assert (again["status"], again["receivedChunks"]) == ("RECEIVING", 2)
    assert (await api.put(again["slots"]["nodes"][0], CONTENT)).status_code == 200
    assert (await api.frames(upload["id"]))[-1]["stage"] == "READY"
    upload_state = await api.look(upload["id"])
    assert (await api.http.get(upload_state["file"]["downloadUrl"])).content == CONTENT


async def test_a_chunk_that_is_refused_never_becomes_a_part(api: Api, s3: S3Server, bucket: str) -> None:
    upload = await api.init(CONTENT, chunkSize=CHUNK)
    slot = upload["slots"]["nodes"][0]
    answer = await api.http.put(
        slot["url"], content=CONTENT[:CHUNK], headers={"Content-Digest": f"sha-256=:{'A' * 43}=:"}
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "CHECKSUM_MISMATCH")
    client = s3.client()
    (begun,) = client.list_multipart_uploads(Bucket=bucket)["Uploads"]
    assert "Parts" not in client.list_parts(Bucket=bucket, Key=begun["Key"], UploadId=begun["UploadId"])
    assert (await api.put(slot, CONTENT)).status_code == 200


@pytest.mark.usefixtures("worker")
async def test_an_upload_whose_parts_the_bucket_has_deleted_starts_over(api: Api, s3: S3Server, bucket: str) -> None:
    upload = await api.init(CONTENT, chunkSize=CHUNK)
    slots = upload["slots"]["nodes"]
    assert (await api.put(slots[0], CONTENT)).status_code == 200
    client = s3.client()
    (begun,) = client.list_multipart_uploads(Bucket=bucket)["Uploads"]
    client.abort_multipart_upload(Bucket=bucket, Key=begun["Key"], UploadId=begun["UploadId"])
    answer = await api.put(slots[1], CONTENT)
    assert (answer.status_code, answer.json()["code"]) == (503, "STORAGE_UNAVAILABLE")
    assert (await api.look(upload["id"]))["receivedChunks"] == 0
    for slot in slots:
        assert (await api.put(slot, CONTENT)).status_code == 200
    assert (await api.frames(upload["id"]))[-1]["stage"] == "READY"


async def test_a_report_with_only_errors_costs_no_more_than_its_price(api: Api) -> None:
    upload = await api.init(CONTENT, chunkSize=CHUNK, direct=True)
    chunks = [{"index": number, "etag": "0" * 32, "sha256": "0" * 64} for number in range(1_000)]
    answer = await api.call(REPORT, id=upload["id"], chunks=chunks)
    errors, cost = answer["data"]["reportChunks"]["userErrors"], answer["extensions"]["cost"]
    assert len(errors) == len(chunks)
    # The mutation 50, and each of the errors 1.
    assert cost["actualQueryCost"] == cost["requestedQueryCost"] > 50 + len(chunks)
    metrics = (await api.http.get("/metrics")).text
    assert "cloudkeep_cost_overruns_total 0.0" in metrics


@pytest.mark.usefixtures("worker")
async def test_chunks_go_straight_to_s3_and_count_when_they_are_reported(api: Api) -> None:
    upload = await api.init(CONTENT, chunkSize=CHUNK, direct=True)
    reports = []
    async with http_client() as client:
        for slot in upload["slots"]["nodes"]:
            piece = part_of(slot, CONTENT)
            answer = await client.put(slot["url"], content=piece)
            assert answer.status_code == 200, answer.text
            reports.append({"index": slot["index"], "etag": answer.headers["ETag"], "sha256": digest(piece)})
    wrong = {**reports[1], "etag": "0" * 32}
    payload = await api.data(REPORT, id=upload["id"], chunks=[reports[0], wrong])
    assert payload["upload"] == {"id": upload["id"], "status": "RECEIVING", "receivedChunks": 1, "direct": True}
    assert [(one["field"], one["code"]) for one in payload["userErrors"]] == [
        (["input", "chunks", "1"], "CHECKSUM_MISMATCH")
    ]
    payload = await api.data(REPORT, id=upload["id"], chunks=reports)
    assert (payload["upload"]["status"], payload["userErrors"]) == ("REASSEMBLING", [])
    assert (await api.frames(upload["id"]))[-1]["stage"] == "READY"
    upload_state = await api.look(upload["id"])
    assert upload_state["file"]["sha256"] == digest(CONTENT)


@pytest.mark.usefixtures("worker")
async def test_a_chunk_with_another_sha256_than_reported_opens_its_slot(api: Api) -> None:
    upload = await api.init(CONTENT[:100], chunkSize=CHUNK, direct=True)
    (slot,) = upload["slots"]["nodes"]
    async with http_client() as client:
        answer = await client.put(slot["url"], content=CONTENT[:100])
    report = {"index": 0, "etag": answer.headers["ETag"], "sha256": "0" * 64}
    await api.data(REPORT, id=upload["id"], chunks=[report])

    async def reopened() -> bool:
        upload_state = await api.look(upload["id"])
        return bool(upload_state["status"] == "RECEIVING" and upload_state["receivedChunks"] == 0)

    await eventually(reopened)


class TestRedirects:
    """Downloads by redirect."""

    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return settings.model_copy(update={"downloads": "redirect"})

    @pytest.mark.usefixtures("worker")
    async def test_a_download_is_redirected_to_s3_under_its_own_name(self, api: Api) -> None:
        upload_id = await send(api, CONTENT[:1_000], fileName="a film.bin")
        await api.frames(upload_id)
        url = (await api.look(upload_id))["file"]["downloadUrl"]
        assert (await api.http.get(url)).status_code == 307
        async with http_client() as client:
            response = await client.get((await api.http.get(url)).headers["Location"], headers={"Range": "bytes=1-5"})
        assert (response.status_code, response.content) == (206, CONTENT[1:6])
        assert "a film.bin" in response.headers["Content-Disposition"]

    @pytest.mark.usefixtures("worker")
    @pytest.mark.parametrize(
        ("content", "expected"),
        [
            (b"a text", ("text/plain; charset=utf-8", "inline")),
            (b"<svg xmlns='http://www.w3.org/2000/svg'/>", ("image/svg+xml", "attachment")),
        ],
        ids=["text", "svg"],
    )
    async def test_s3_shows_what_this_server_would_show(
        self, api: Api, content: bytes, expected: tuple[str, str]
    ) -> None:
        """The URL of S3 has the same type and disposition."""
        upload_id = await send(api, content, fileName="a.txt")
        await api.frames(upload_id)
        document = "query ($id: ID!) { upload(id: $id) { file { download(disposition: INLINE) { url } } } }"
        url = (await api.data(document, id=upload_id))["file"]["download"]["url"]
        async with http_client() as client:
            response = await client.get((await api.http.get(url)).headers["Location"])
        headers = response.headers
        assert (headers["Content-Type"], headers["Content-Disposition"].partition(";")[0]) == expected

    @pytest.mark.usefixtures("worker")
    async def test_head_is_answered_without_a_redirect(self, api: Api) -> None:
        """S3 would refuse a HEAD, because the URL is signed for GET."""
        upload_id = await send(api, CONTENT[:1_000], fileName="a film.bin")
        await api.frames(upload_id)
        answer = await api.http.head((await api.look(upload_id))["file"]["downloadUrl"])
        assert (answer.status_code, answer.headers["Content-Length"]) == (200, "1000")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"blob_url": "no-such-bucket"}, "CLOUDKEEP_BLOB_URL: there is no such bucket"),
        ({"s3_secret_key": "a wrong one"}, "CLOUDKEEP_S3_ACCESS_KEY, CLOUDKEEP_S3_SECRET_KEY: S3 does not accept"),
    ],
)
async def test_a_bucket_that_cannot_be_used_stops_the_start_with_one_line(
    settings: Settings, s3: S3Server, changes: dict[str, str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    changes = {**changes, "blob_url": s3.url(changes["blob_url"])} if "blob_url" in changes else changes
    with pytest.raises(SystemExit) as caught:
        await require_bucket(settings.model_copy(update=changes))
    (line,) = capsys.readouterr().err.splitlines()
    assert (caught.value.code, said in line, "wrong" in line) == (2, True, False)


async def test_the_doctor_repairs_the_rules_of_a_bucket(settings: Settings, database: str) -> None:
    store = await open_store(settings)

    async def findings(*, mend: bool) -> list[tuple[str, bool]]:
        doctor = Doctor(store, mend=mend, upload_days=14, origins=["https://app.example.org"])
        return [(finding.code.value, finding.mended is not None) async for finding in doctor.examine()]

    assert await findings(mend=False) == [("BUCKET_LIFECYCLE", False), ("BUCKET_CORS", False)]
    assert await findings(mend=True) == [("BUCKET_LIFECYCLE", True), ("BUCKET_CORS", True)]
    assert await findings(mend=False) == []
    await store.close()
