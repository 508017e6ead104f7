"""``cloudkeep upload --direct``: the client sends chunks straight to a real S3 server."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from cloudkeep.client.uploads.file_upload import FileUpload, UploadContext
from cloudkeep.client.uploads.source import Source
from cloudkeep.client.uploads.uploads import UploadState
from cloudkeep.settings.settings import Settings
from services.uploads import direct
from storage.uploads.models import Chunk
from tests.cloudkeep.client.conftest import Watcher
from tests.cloudkeep.http.test_s3 import CONTENT
from tests.support.backends.s3 import ACCESS_KEY, SECRET_KEY, S3Server
from tests.support.faults.s3_faults import S3Faults, s3_faults
from tests.support.server import Api
from tests.support.waiting import eventually


@pytest.fixture
def bucket(s3: S3Server) -> str:
    """A bucket for this test only."""
    return s3.new_bucket()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file of two chunks and a bit."""
    path = tmp_path / "film.bin"
    path.write_bytes(2 * CONTENT)
    return path


async def upload(context: UploadContext, path: Path, watcher: Watcher) -> UploadState:
    with Source(path) as source:
        file_upload = FileUpload(replace(context, direct=True, parallel=2), source, watcher)
        return await file_upload.finish(await file_upload.send())


class TestWithS3:
    """With a server that stores its files on S3."""

    @pytest.fixture
    def settings(self, settings: Settings, s3: S3Server, bucket: str) -> Settings:
        keys = {"s3_access_key": ACCESS_KEY, "s3_secret_key": SECRET_KEY}
        return settings.model_copy(update={"blob_url": s3.url(bucket), **keys})

    @pytest.fixture
    def origins(self, client: httpx.AsyncClient) -> list[str]:
        """The host that each chunk is sent to."""
        hosts: list[str] = []

        async def note(request: httpx.Request) -> None:
            if request.method == "PUT":
                hosts.append(f"{request.url.scheme}://{request.url.netloc.decode()}")

        client.event_hooks["request"].append(note)
        return hosts

    @pytest.mark.usefixtures("worker")
    async def test_an_interrupted_upload_is_resumed_and_its_expired_urls_are_renewed(
        self,
        context: UploadContext,
        api: Api,
        file: Path,
        watcher: Watcher,
        origins: list[str],
        s3: S3Server,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        sign = direct.DirectSlots.url
        refused = [True, True]

        async def stale(self: direct.DirectSlots, row: object, index: int) -> str:
            url = await sign(self, row, index)  # type: ignore[arg-type]
            return f"{url}0" if refused and refused.pop() else url

        monkeypatch.setattr(direct.DirectSlots, "url", stale)
        first = asyncio.create_task(upload(context, file, watcher))
        await eventually(Chunk.all().exists)
        first.cancel()
        with suppress(asyncio.CancelledError):
            await first
        received = await Chunk.all().count()
        state = await upload(context, file, watcher)
        assert not refused
        assert set(origins) == {s3.endpoint}
        assert received >= 1
        stored = await api.data("query ($id: ID!) { file(id: $id) { downloadUrl } }", id=state.file_id)
        assert (await api.http.get(stored["downloadUrl"])).content == file.read_bytes()

    @pytest.mark.usefixtures("worker")
    async def test_parts_that_the_bucket_has_deleted_are_sent_again(
        self, context: UploadContext, api: Api, file: Path, watcher: Watcher, s3: S3Server, bucket: str
    ) -> None:
        with Source(file) as source:
            file_upload = FileUpload(replace(context, direct=True, parallel=2), source, watcher)
            sending = asyncio.create_task(file_upload.send())
            await eventually(Chunk.all().exists)
            client = s3.client()
            for lost in client.list_multipart_uploads(Bucket=bucket).get("Uploads", []):
                client.abort_multipart_upload(Bucket=bucket, Key=lost["Key"], UploadId=lost["UploadId"])
            state = await file_upload.finish(await sending)
        assert state.status == "READY"


class TestWhileKeysChange:
    """With a server whose S3 credentials are temporary, and are renewed."""

    @pytest.fixture
    async def faults(self, s3: S3Server) -> AsyncIterator[S3Faults]:
        async with s3_faults(s3.endpoint) as running:
            yield running

    @pytest.fixture
    def settings(self, settings: Settings, s3: S3Server, faults: S3Faults) -> Settings:
        keys = {"s3_access_key": ACCESS_KEY, "s3_secret_key": SECRET_KEY}
        return settings.model_copy(update={"blob_url": s3.url(s3.new_place(), faults.url), **keys})

    @pytest.mark.usefixtures("worker")
    async def test_a_url_that_outlived_its_keys_is_renewed(
        self, context: UploadContext, file: Path, watcher: Watcher, faults: S3Faults
    ) -> None:
        faults.refuse("PUT", 400, "ExpiredToken", times=2)
        state = await upload(context, file, watcher)
        assert (state.status, faults.refusals) == ("READY", [])


@pytest.mark.usefixtures("worker")
async def test_a_server_without_s3_takes_the_chunks_itself(
    context: UploadContext, file: Path, watcher: Watcher, puts: list[str]
) -> None:
    state = await upload(context, file, watcher)
    assert (state.status, state.direct) == ("READY", False)
    assert puts
