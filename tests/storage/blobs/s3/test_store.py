"""A store with unusual answers of S3 or a proxy: no receipt, no file and no thread is lost."""

import asyncio
import http.client
import socket
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest
import trustme

from storage.blobs import Part
from storage.blobs.s3.connection_pool import ConnectionPool
from storage.blobs.s3.errors import refusal
from storage.blobs.s3.factory import open_s3_store
from storage.blobs.s3.part_writer import PartWriter
from storage.blobs.s3.requests import UploadRequest
from storage.blobs.s3.store import S3BlobStore
from storage.blobs.s3.url import S3Options
from storage.errors import NoSpace, StorageError, StoreRefused, StoreUnavailable
from tests.contracts.blob_backends import CONTENT, SLOT, bytes_of, fill, fill_all, published, scanned, staged
from tests.support.backends.s3 import ACCESS_KEY, SECRET_KEY, S3Server
from tests.support.faults.s3_faults import S3Faults, s3_faults

KEY, SOURCE = str(uuid4()), str(uuid4())


@pytest.fixture
async def faults(s3: S3Server) -> AsyncIterator[S3Faults]:
    """The proxy between the store and S3."""
    async with s3_faults(s3.endpoint) as running:
        yield running


@pytest.fixture
async def store(s3: S3Server, faults: S3Faults, tmp_path: Path) -> AsyncIterator[S3BlobStore]:
    opened = await open_s3_store(
        s3.url(s3.new_place(), faults.url), S3Options(ACCESS_KEY, SECRET_KEY, scratch=tmp_path)
    )
    yield opened
    await opened.close()


@pytest.mark.parametrize("spelt", [b"etag", b"ETAG"])
async def test_a_proxy_may_spell_headers_as_it_likes(store: S3BlobStore, faults: S3Faults, spelt: bytes) -> None:
    """HAProxy and Envoy write them in lower case."""
    faults.rewritten = dict.fromkeys((b"Etag", b"ETag"), spelt)
    await published(store, KEY)
    assert await bytes_of(store.read(KEY, 0, len(CONTENT))) == CONTENT


async def test_a_part_without_an_etag_is_no_part(store: S3BlobStore, faults: S3Faults) -> None:
    area = await store.stage(KEY, SLOT, SLOT)
    faults.rewritten = dict.fromkeys((b"Etag", b"ETag"), b"X-Tag")
    with pytest.raises(StoreUnavailable, match="without an ETag"):
        await fill(store, area, 0, CONTENT[:SLOT])


async def test_a_part_that_s3_does_not_copy_is_missing(store: S3BlobStore, faults: S3Faults) -> None:
    """AWS copies no part of a small object; its slot is opened, and the client sends the bytes."""
    await published(store, SOURCE)
    area = await store.stage(KEY, 1_000, SLOT)
    faults.refuse("PUT", 400, "InvalidRequest")
    assert await store.copy_in(area, 0, 1_000, SOURCE, 0) is None
    assert await store.copy_in(area, 0, 1_000, SOURCE, 0)


async def test_an_object_that_was_made_without_an_answer_is_taken_for_what_it_is(
    store: S3BlobStore, faults: S3Faults, tmp_path: Path
) -> None:
    source = tmp_path / "file"
    source.write_bytes(CONTENT)
    # The client asks once more; by then there is an object and no multipart upload any more. SeaweedFS does not mind.
    faults.lost = b"uploadId="
    faults.refuse("POST", 404, "NoSuchUpload", line=b"uploadId=")
    await store.put(KEY, source)
    assert not faults.lost
    assert faults.refusals == []
    assert await bytes_of(store.read(KEY, 0, len(CONTENT))) == CONTENT


async def test_parts_that_s3_lists_as_we_know_them_are_not_sent_again_for_one_answer(
    store: S3BlobStore, faults: S3Faults
) -> None:
    made = await staged(store, KEY)
    faults.refuse("POST", 400, "InvalidPart")
    with pytest.raises(StoreUnavailable, match="InvalidPart"):
        await store.seal(made.area, made.parts)
    await store.seal(made.area, made.parts)
    assert await scanned(store, made.area, 0, len(CONTENT)) == CONTENT


async def test_a_scan_that_is_called_off_does_not_wait_for_s3(store: S3BlobStore, faults: S3Faults) -> None:
    area = await published(store, KEY)
    faults.holding = True
    scan = asyncio.create_task(store.scan(area, 0, len(CONTENT), lambda _: None))
    await faults.held.wait()
    scan.cancel()
    # S3 itself would be given thirty seconds for its next byte.
    async with asyncio.timeout(15):
        await asyncio.wait({scan})
    assert scan.cancelled()


async def test_a_file_that_is_called_off_on_its_way_has_no_thread_left(
    store: S3BlobStore, faults: S3Faults, tmp_path: Path
) -> None:
    source = tmp_path / "file"
    source.write_bytes(CONTENT)
    await store.stage(SOURCE, SLOT, SLOT)
    faults.stalled = b"partNumber=1"
    put = asyncio.create_task(store.put(KEY, source))
    await faults.held.wait()
    put.cancel()
    async with asyncio.timeout(15):
        await asyncio.wait({put})
    assert put.cancelled()
    assert source.exists()
    assert [found.key async for found in store.staging_areas()] == [SOURCE]
    async with asyncio.timeout(15):
        await asyncio.to_thread(store._pool.shutdown)


async def test_a_cancelled_sender_keeps_its_slot_until_no_thread_sends_for_it(
    store: S3BlobStore, faults: S3Faults
) -> None:
    area = await store.stage(KEY, SLOT, SLOT)
    faults.stalled = b"partNumber=1"
    writers: list[PartWriter] = []

    async def send() -> None:
        async with store.slot(area, 0, SLOT) as writer:
            writers.append(writer)
            await writer.write([bytes(SLOT - 1)])
            await writer.finish()

    sending = asyncio.create_task(send())
    await faults.held.wait()
    sending.cancel()
    await asyncio.wait({sending})
    assert sending.cancelled()
    assert writers[0]._pending
    assert writers[0]._pending.done()


async def test_a_rule_that_the_server_does_not_keep_is_not_called_added(store: S3BlobStore, faults: S3Faults) -> None:
    """MinIO takes the lifecycle rule for multipart uploads and forgets it."""
    (missing,) = await store.missing_rules(30, ())
    assert missing.add
    faults.refuse("PUT", 200, "")
    with pytest.raises(StorageError, match="did not store it"):
        await missing.add()
    await missing.add()
    assert await store.missing_rules(30, ()) == []


async def test_a_rule_of_an_earlier_release_is_replaced_and_those_of_others_stay(
    store: S3BlobStore, s3: S3Server, faults: S3Faults, tmp_path: Path
) -> None:
    bucket = store.bucket.place.bucket
    neighbour = await open_s3_store(
        s3.url(f"{bucket}/{uuid4()}", faults.url), S3Options(ACCESS_KEY, SECRET_KEY, scratch=tmp_path)
    )
    for each, days in ((neighbour, 14), (store, 14), (store, 37)):
        (missing,) = await each.missing_rules(days, ())
        assert missing.add
        await missing.add()
    assert await store.missing_rules(37, ()) == []
    assert await neighbour.missing_rules(14, ()) == []
    await neighbour.close()


async def test_a_server_that_does_not_answer_a_greeting_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A handshake cannot be interrupted, and a stopping process waits for it."""
    monkeypatch.setattr("storage.blobs.s3.connection_pool.CONNECT_TIMEOUT", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"https://127.0.0.1:{silent.getsockname()[1]}/key?"
        async with asyncio.timeout(15):
            with pytest.raises(StoreUnavailable, match="cannot be reached"):
                await asyncio.to_thread(ConnectionPool().acquire, url)


async def test_what_was_called_off_before_it_had_a_connection_sends_nothing(s3: S3Server) -> None:
    request = UploadRequest(ConnectionPool(), f"{s3.endpoint}/bucket/key?", 3)
    request.interrupt()
    with pytest.raises(StoreUnavailable, match="interrupted"):
        await asyncio.to_thread(request.send, b"abc")


async def test_what_is_broken_off_over_tls_leaves_nothing_in_plain_text(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = socket.socketpair()
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("s3.example.org").configure_cert(context)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    server = asyncio.create_task(asyncio.to_thread(context.wrap_socket, theirs, server_side=True))
    request = UploadRequest(ConnectionPool(), "https://s3.example.org/key?", 1_000)
    secure = await asyncio.to_thread(trusting.wrap_socket, ours, server_hostname="s3.example.org")
    _connect(request, secure)
    peer = await server

    def meanwhile(sock: socket.socket, how: int) -> None:
        """A call by another thread in between."""
        sock.send(b"a file's bytes")
        socket.SocketType.shutdown(sock, how)

    monkeypatch.setattr(socket.socket, "shutdown", meanwhile)
    request.interrupt()
    # In plain text, this would not be a record of TLS.
    assert peer.recv(100) == b"a file's bytes"
    secure.close()
    peer.close()


ANSWERS = [
    ("ExpiredToken", 400, StoreRefused),
    ("InvalidToken", 400, StoreRefused),
    ("400", 400, StoreRefused),
    ("AuthorizationHeaderMalformed", 400, StoreUnavailable),
    ("PermanentRedirect", 301, StoreUnavailable),
    ("TemporaryRedirect", 307, StoreUnavailable),
    ("KMS.DisabledException", 400, StoreRefused),
    ("NoSuchBucket", 404, StoreUnavailable),
    ("SlowDown", 503, StoreUnavailable),
    ("XMinioAdminBucketQuotaExceeded", 400, NoSpace),
]


@pytest.mark.parametrize(("code", "status", "kind"), ANSWERS, ids=[f"{code} {status}" for code, status, _ in ANSWERS])
def test_what_an_operator_can_mend_costs_no_attempt(code: str, status: int, kind: type[StorageError]) -> None:
    assert type(refusal(code, status)) is kind


async def test_a_code_with_a_dot_in_it_is_read(store: S3BlobStore, faults: S3Faults) -> None:
    area = await store.stage(KEY, SLOT, SLOT)
    faults.refuse("PUT", 400, "KMS.NotFoundException")
    with pytest.raises(StoreRefused, match=r"KMS\.NotFoundException"):
        await fill(store, area, 0, CONTENT[:SLOT])
    made = await fill_all(store, area, CONTENT[:SLOT])
    await store.seal(area, [Part(0, 0, SLOT, made.parts[0].etag)])


def _connect(request: UploadRequest, sock: ssl.SSLSocket) -> None:
    connection = http.client.HTTPSConnection("s3.example.org")
    connection.sock = sock
    request._connection = connection
