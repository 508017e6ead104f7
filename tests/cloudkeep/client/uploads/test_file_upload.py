"""The whole upload of a file, with a real worker."""

import asyncio
import os
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from cloudkeep.client.api.graphql import GraphQL
from cloudkeep.client.api.session import Session
from cloudkeep.client.api.tokens import TokenPair
from cloudkeep.client.errors import TransferFailed
from cloudkeep.client.uploads.file_upload import FileUpload, UploadContext
from cloudkeep.client.uploads.source import Source
from cloudkeep.client.uploads.uploads import UploadState
from cloudkeep.settings.settings import Settings
from services.media.types import Compression, CompressionPreset
from tests.cloudkeep.client.conftest import CHUNK, QUICK, Watcher, init_upload, working
from tests.support.backends.smtp_sink import SmtpSink
from tests.support.clips import bikes
from tests.support.faults.proxy import Proxy
from tests.support.server import PASSWORD, Api, key_of, otp_of

FAST = Compression(CompressionPreset.FAST, 144)


async def _upload(context: UploadContext, path: Path, watcher: Watcher) -> UploadState:
    with Source(path) as source:
        file_upload = FileUpload(context, source, watcher)
        return await file_upload.finish(await file_upload.send())


async def _content(api: Api, state: UploadState) -> bytes:
    file = await api.data("query ($id: ID!) { file(id: $id) { downloadUrl } }", id=state.file_id)
    return (await api.http.get(file["downloadUrl"])).content


async def test_a_file_arrives_byte_by_byte(
    context: UploadContext, api: Api, tmp_path: Path, watcher: Watcher, worker: None
) -> None:
    path = tmp_path / "large.bin"
    path.write_bytes(os.urandom(33 * 1024 * 1024))
    state = await _upload(context, path, watcher)
    assert await _content(api, state) == path.read_bytes()
    assert watcher.stages[:2] == ["Reading", "Sending"]
    assert watcher.notes == []


@pytest.fixture
def receipt(client: httpx.AsyncClient) -> asyncio.Event:
    """Set when the client has received its first receipt."""
    received = asyncio.Event()

    async def note(response: httpx.Response) -> None:
        if response.request.method == "PUT" and response.is_success:
            received.set()

    client.event_hooks["response"].append(note)
    return received


async def test_a_second_run_sends_only_missing_chunks(
    context: UploadContext,
    api: Api,
    file: Path,
    watcher: Watcher,
    front: Proxy,
    puts: list[str],
    receipt: asyncio.Event,
    settings: Settings,
) -> None:
    upload = await init_upload(api, file)
    # More bytes than all connections send at a time, so that at least one chunk has arrived.
    front.begin_to_hold(6 * CHUNK)
    first = asyncio.create_task(_upload(context, file, watcher))
    await front.holding.wait()
    await receipt.wait()
    first.cancel()
    with suppress(asyncio.CancelledError):
        await first
    front.release()
    missing = [slot["index"] for slot in (await api.look(upload["id"]))["slots"]["nodes"]]
    puts.clear()
    elsewhere = file.parent / "elsewhere" / file.name
    elsewhere.parent.mkdir()
    file.rename(elsewhere)
    async with working(settings):
        state = await _upload(context, elsewhere, watcher)
    sent = [int(path.rpartition("/")[2]) for path in puts]
    # The server may store the receipt of a chunk a moment after the first run has ended.
    assert set(sent) <= set(missing)
    assert len(sent) == len(set(sent)) < 8
    assert await _content(api, state) == elsewhere.read_bytes()


async def test_of_a_changed_file_only_the_changed_chunks_are_sent(
    context: UploadContext,
    api: Api,
    file: Path,
    watcher: Watcher,
    puts: list[str],
    worker: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("cloudkeep.client.uploads.file_upload.default_chunk_size", lambda size: CHUNK)
    await _upload(context, file, watcher)
    puts.clear()
    with file.open("r+b") as changing:
        changing.seek(5 * CHUNK + 100)
        changing.write(b"a change")
    state = await _upload(context, file, watcher)
    assert [int(path.rpartition("/")[2]) for path in puts] == [5]
    assert await _content(api, state) == file.read_bytes()
    assert watcher.notes[-1] == "the server has 87% of it already"


async def test_a_file_that_the_account_has_is_not_sent_again(
    context: UploadContext, file: Path, watcher: Watcher, puts: list[str], worker: None
) -> None:
    first = await _upload(context, file, watcher)
    puts.clear()
    assert (await _upload(context, file, watcher), puts) == (first, [])


async def test_a_chunk_that_was_damaged_on_the_server_is_sent_again(
    context: UploadContext, api: Api, file: Path, watcher: Watcher, puts: list[str], settings: Settings
) -> None:
    await init_upload(api, file)
    with Source(file) as source:
        file_upload = FileUpload(context, source, watcher)
        state = await file_upload.send()
        puts.clear()
        _damage(settings, state, 4 * CHUNK + 100)
        async with working(settings):
            state = await file_upload.finish(state)
    assert puts == [f"/uploads/{state.id}/chunks/4"]
    assert watcher.notes == ["some chunks were damaged on the server; sending them again"]
    assert await _content(api, state) == file.read_bytes()


def _damage(settings: Settings, state: UploadState, offset: int) -> None:
    staged = settings.data_dir / "blobs" / "staging" / str(key_of(state.id))
    with staged.open("r+b") as file:
        file.seek(offset)
        file.write(b"damage")


async def test_a_video_is_followed_until_it_is_compressed(
    client: httpx.AsyncClient, context: UploadContext, api: Api, watcher: Watcher, worker: None
) -> None:
    wishing = UploadContext(client, context.session, FAST, policy=QUICK)
    state = await _upload(wishing, bikes(), watcher)
    assert (state.error, (await api.look(state.id))["file"]["renditions"][0]["recipe"]) == (None, "COMPRESSED_VIDEO")
    assert watcher.stages[-1] == "Compressing"


async def test_a_file_that_is_not_a_video_is_uploaded_with_a_warning(
    client: httpx.AsyncClient, context: UploadContext, file: Path, watcher: Watcher, worker: None
) -> None:
    state = await _upload(UploadContext(client, context.session, FAST, policy=QUICK), file, watcher)
    assert (state.status, state.error) == ("READY", "This file is not a video that can be read.")
    assert state.file_id


async def test_a_file_that_changes_during_the_upload_is_refused(
    context: UploadContext, api: Api, client: httpx.AsyncClient, file: Path, watcher: Watcher, worker: None
) -> None:
    await init_upload(api, file)
    before = file.stat()

    async def change(request: httpx.Request) -> None:
        if request.method == "PUT":
            with file.open("r+b") as opened:
                opened.seek(7 * CHUNK)
                opened.write(b"other")
            os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))

    client.event_hooks["request"].append(change)
    with pytest.raises(TransferFailed, match=r"^the upload is FAILED: The file's SHA-256 is "):
        await _upload(UploadContext(client, context.session, parallel=1, policy=QUICK), file, watcher)


async def test_an_aborted_upload_ends_with_an_error(
    context: UploadContext, api: Api, client: httpx.AsyncClient, file: Path, watcher: Watcher
) -> None:
    upload = await init_upload(api, file)

    async def abort(request: httpx.Request) -> None:
        if request.url.path.endswith("/chunks/2"):
            await api.data(
                "mutation ($id: ID!) { abortUpload(input: {uploadId: $id}) { userErrors { code } } }", id=upload["id"]
            )

    client.event_hooks["request"].append(abort)
    with pytest.raises(TransferFailed, match=r"^the upload is ABORTED$"):
        await _upload(context, file, watcher)


class TestShortTokens:
    """With access tokens that are valid for two to three seconds, because their expiry is a whole second."""

    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        """Settings of a server whose tokens expire quickly."""
        return settings.model_copy(update={"access_token_ttl": 3})

    @pytest.fixture
    async def context(
        self, client: httpx.AsyncClient, http: httpx.AsyncClient, server: str, sink: SmtpSink
    ) -> UploadContext:
        """The context of an upload, for a new user whose session can be renewed."""
        visitor, email = Api(http), "ada@example.org"
        person = {"userId": "ada", "userName": "Ada", "email": email, "password": PASSWORD}
        opened = await visitor.join(person, lambda: otp_of(sink))
        graphql = GraphQL(client, server)
        session = Session(graphql, TokenPair(graphql, opened["accessToken"], opened["refreshToken"]))
        return UploadContext(client, session, FAST, policy=QUICK)

    async def test_an_upload_can_outlast_its_access_tokens(
        self, context: UploadContext, watcher: Watcher, settings: Settings
    ) -> None:
        with Source(bikes()) as source:
            file_upload = FileUpload(context, source, watcher)
            state = await file_upload.send()
            await asyncio.sleep(4.1)
            async with working(settings):
                state = await file_upload.finish(state)
        assert (state.status, state.error) == ("READY", None)
