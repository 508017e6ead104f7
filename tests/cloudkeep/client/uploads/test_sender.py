"""Sending chunks over real connections that are cut, refused or delayed."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from cloudkeep.client.display.progress import SENDING, ByteCounter
from cloudkeep.client.errors import SourceChanged, TransferFailed
from cloudkeep.client.uploads.file_upload import UploadContext
from cloudkeep.client.uploads.sender import Sender
from cloudkeep.client.uploads.slots import MissingSlots
from cloudkeep.client.uploads.source import Source
from cloudkeep.client.uploads.uploads import Uploads
from services.access.signed_urls import SignedUrls, SlotAuthorization
from tests.cloudkeep.client.conftest import CHUNK, QUICK, Watcher, init_upload
from tests.conftest import KEYS
from tests.support.faults.proxy import Proxy
from tests.support.server import Api, Json, key_of


class Sending:
    """Sends one file."""

    def __init__(self, context: UploadContext, file: Path, watcher: Watcher) -> None:
        self._means = context
        self._watcher = watcher
        self._source = Source(file)

    async def __call__(self, upload: Json, parallel: int = 3) -> None:
        uploads = Uploads(self._means.session, QUICK, self._watcher.note)
        slots = MissingSlots(uploads, upload["id"])
        sender = Sender(self._means.http, slots, self._source, QUICK, self._watcher.note)
        with self._source:
            await sender.send(upload["receivedBytes"], ByteCounter(self._watcher, SENDING, upload["size"]), parallel)


@pytest.fixture
def send(context: UploadContext, file: Path, watcher: Watcher) -> Sending:
    """Sends the file."""
    return Sending(context, file, watcher)


async def _status(api: Api, upload: Json) -> str:
    return str((await api.look(upload["id"]))["status"])


async def test_every_slot_is_sent_once(api: Api, file: Path, send: Sending, puts: list[str]) -> None:
    upload = await init_upload(api, file)
    await send(upload)
    assert sorted(puts) == [f"/uploads/{upload['id']}/chunks/{index}" for index in range(8)]
    assert await _status(api, upload) == "REASSEMBLING"


async def test_slots_are_sent_in_parallel(api: Api, file: Path, send: Sending, client: httpx.AsyncClient) -> None:
    together = asyncio.Barrier(4)

    async def wait_for_the_others(request: httpx.Request) -> None:
        if request.method == "PUT":
            await together.wait()

    client.event_hooks["request"].append(wait_for_the_others)
    async with asyncio.timeout(30):
        await send(await init_upload(api, file), parallel=4)


async def test_only_missing_chunks_are_sent(api: Api, file: Path, send: Sending, puts: list[str]) -> None:
    upload = await init_upload(api, file)
    for slot in upload["slots"]["nodes"][2:7]:
        await api.put(slot, file.read_bytes())
    await send(upload)
    assert sorted(path.rpartition("/")[2] for path in puts) == ["0", "1", "7"]


async def test_progress_includes_earlier_chunks_and_never_goes_back(
    api: Api, file: Path, send: Sending, watcher: Watcher, front: Proxy
) -> None:
    upload = await init_upload(api, file)
    front.cut_at = front.sent + 3 * CHUNK
    await send(upload)
    percents = [progress.percent for progress in watcher.shown]
    assert percents == sorted(percents)
    assert percents[-1] == 100


async def test_a_chunk_whose_connection_was_cut_is_sent_again(
    api: Api, file: Path, send: Sending, watcher: Watcher, front: Proxy
) -> None:
    upload = await init_upload(api, file)
    front.cut_at = front.sent + 2 * CHUNK
    await send(upload, 1)
    lost, *busy = watcher.notes
    assert lost == f"the connection to {front.url} was lost; trying again"
    # The client may reconnect before the server has noticed that the old connection is lost.
    assert set(busy) <= {"another client is sending the same chunk; trying again"}
    assert await _status(api, upload) == "REASSEMBLING"


async def test_sending_fails_if_the_server_stays_away(
    api: Api, file: Path, send: Sending, front: Proxy, client: httpx.AsyncClient
) -> None:
    upload = await init_upload(api, file)

    async def close(request: httpx.Request) -> None:
        front.open = request.method != "PUT"
        front.cut()

    client.event_hooks["request"].append(close)
    with pytest.raises(TransferFailed, match=f"^the connection to {front.url} was lost; gave up after 8 tries$"):
        await send(upload)


async def _rewrite_first_put(client: httpx.AsyncClient, url_of: Callable[[httpx.URL], str], times: int = 1) -> None:
    left = times

    async def rewrite(request: httpx.Request) -> None:
        nonlocal left
        if request.method == "PUT" and left:
            left -= 1
            request.url = httpx.URL(url_of(request.url))

    client.event_hooks["request"].append(rewrite)


def _forged(url: httpx.URL) -> str:
    return str(url.copy_set_param("expires", "99999999999"))


async def test_an_expired_url_is_renewed(
    api: Api, file: Path, send: Sending, client: httpx.AsyncClient, server: str, watcher: Watcher
) -> None:
    upload = await init_upload(api, file)
    past = SignedUrls(KEYS, timedelta(hours=-3))

    def expired(url: httpx.URL) -> str:
        index, size = int(url.path.rpartition("/")[2]), int(url.params["size"])
        return past.slot(SlotAuthorization(key_of(upload["id"]), index, size), server)

    await _rewrite_first_put(client, expired, times=2)
    await send(upload, 1)
    assert watcher.notes == []
    assert await _status(api, upload) == "REASSEMBLING"


async def test_an_invalid_url_is_renewed(api: Api, file: Path, send: Sending, client: httpx.AsyncClient) -> None:
    upload = await init_upload(api, file)
    await _rewrite_first_put(client, _forged)
    await send(upload)
    assert await _status(api, upload) == "REASSEMBLING"


async def test_sending_fails_if_the_server_refuses_its_own_urls(
    api: Api, file: Path, send: Sending, client: httpx.AsyncClient
) -> None:
    await _rewrite_first_put(client, _forged, times=99)
    with pytest.raises(TransferFailed, match=r"^the server refuses the URLs that it has signed$"):
        await send(await init_upload(api, file), 1)


async def test_the_client_waits_for_a_slot_that_another_client_fills(
    api: Api, file: Path, send: Sending, watcher: Watcher, http: httpx.AsyncClient
) -> None:
    upload, noted, begin = await init_upload(api, file), asyncio.Event(), asyncio.Event()
    slot, content = upload["slots"]["nodes"][5], file.read_bytes()

    async def slow_body() -> AsyncIterator[bytes]:
        yield content[5 * CHUNK : 5 * CHUNK + 10]
        begin.set()
        await noted.wait()
        yield content[5 * CHUNK + 10 : 6 * CHUNK]

    watcher.on_note = lambda _: noted.set()
    other = asyncio.create_task(http.put(slot["url"], content=slow_body()))
    await begin.wait()
    await send(upload, 1)
    assert (await other).status_code == 200
    assert watcher.notes == ["another client is sending the same chunk; trying again"]
    assert await _status(api, upload) == "REASSEMBLING"


async def test_sending_stops_if_the_upload_is_aborted(
    api: Api, file: Path, send: Sending, client: httpx.AsyncClient
) -> None:
    upload = await init_upload(api, file)

    async def abort(request: httpx.Request) -> None:
        if request.url.path.endswith("/3"):
            await api.data(
                "mutation ($id: ID!) { abortUpload(input: {uploadId: $id}) { userErrors { code } } }", id=upload["id"]
            )

    client.event_hooks["request"].append(abort)
    await send(upload, 1)
    assert await _status(api, upload) == "ABORTED"


async def test_a_file_that_changes_while_it_is_sent_stops_the_sending(
    api: Api, file: Path, send: Sending, client: httpx.AsyncClient
) -> None:
    upload = await init_upload(api, file)

    async def change(request: httpx.Request) -> None:
        if request.url.path.endswith("/2"):
            os.utime(file, ns=(0, 0))

    client.event_hooks["request"].append(change)
    with pytest.raises(SourceChanged, match=r"^the file was changed while it was being sent"):
        await send(upload, 1)


async def test_neither_token_nor_cookie_goes_to_a_slot(
    api: Api, file: Path, send: Sending, client: httpx.AsyncClient
) -> None:
    fields: set[str] = set()

    async def note(request: httpx.Request) -> None:
        if request.method == "PUT":
            fields.update(request.headers)

    client.event_hooks["request"].append(note)
    await send(await init_upload(api, file))
    assert fields.isdisjoint({"authorization", "cookie"})
