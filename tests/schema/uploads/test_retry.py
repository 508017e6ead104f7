"""retryUpload as a client calls it."""

from storage.drive.models import Rendition
from storage.uploads.models import Upload
from tests.support.clips import bikes
from tests.support.server import Api

RETRY = """mutation ($id: ID!) {
    retryUpload(input: {uploadId: $id}) { upload { status error { code } } userErrors { code } } }"""
COMPRESS = {"preset": "FAST", "maxHeight": 144}


async def test_a_failed_compression_can_be_retried(api: Api, worker: None) -> None:
    upload = await api.upload(bikes().read_bytes(), compress=COMPRESS)
    await api.frames(upload["id"])
    await Rendition.all().delete()
    await Upload.all().update(error_code="COMPRESSION_FAILED", error_message="The encoder failed.")
    again = await api.data(RETRY, id=upload["id"])
    assert again == {"upload": {"status": "COMPRESSING", "error": None}, "userErrors": []}
    assert [frame["stage"] for frame in await api.frames(upload["id"])][-1] == "READY"
    done = await api.look(upload["id"])
    assert (done["error"], len(done["file"]["renditions"])) == (None, 1)


async def test_a_retry_that_cannot_succeed_is_refused_with_a_code(api: Api, other: Api) -> None:
    upload = await api.init(b"content")
    for person, code in ((api, "CHUNKS_MISSING"), (other, "NOT_FOUND")):
        answer = await person.data(RETRY, id=upload["id"])
        assert answer == {"upload": None, "userErrors": [{"code": code}]}
