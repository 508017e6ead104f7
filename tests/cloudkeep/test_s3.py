"""A server and a worker whose bytes lie on S3, a real one."""

import asyncio
import random

import httpx
import pytest

from cloudkeep.settings import Settings
from tests.support.s3 import ACCESS_KEY, SECRET_KEY, S3Server
from tests.support.server import Api, digest

MIB = 1024 * 1024
CHUNK = 5 * MIB
CONTENT = random.Random(5).randbytes(2 * CHUNK + 1_000)


@pytest.fixture
def bucket(s3: S3Server) -> str:
    """A bucket of the test's own."""
    return s3.new_bucket()


@pytest.fixture
def settings(settings: Settings, s3: S3Server, bucket: str) -> Settings:
    """The same, with the bytes on S3."""
    keys = {"s3_access_key": ACCESS_KEY, "s3_secret_key": SECRET_KEY}
    return settings.model_copy(update={"blob_url": s3.url(bucket), **keys})


async def send(api: Api, content: bytes = CONTENT, **more: object) -> str:
    """Send a whole file, its chunks at once and one half as forms; return the upload's ID."""
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
    found = await api.look(upload_id)
    assert found["file"]["sha256"] == digest(CONTENT)
    answer = await api.http.get(found["file"]["downloadUrl"])
    assert (answer.status_code, answer.content == CONTENT) == (200, True)
    part = await api.http.get(found["file"]["downloadUrl"], headers={"Range": f"bytes={CHUNK - 3}-{CHUNK + 3}"})
    assert (part.status_code, part.content) == (206, CONTENT[CHUNK - 3 : CHUNK + 4])
    client = s3.client()
    assert "Uploads" not in client.list_multipart_uploads(Bucket=bucket)
    assert [one["Key"] for one in client.list_objects_v2(Bucket=bucket)["Contents"]] == [upload_id]
