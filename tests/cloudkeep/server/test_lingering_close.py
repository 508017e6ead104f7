"""A client that is still sending when it is refused can read the response: its connection is not reset."""

import asyncio
import contextlib

import pytest

from cloudkeep.server import lingering_close
from tests.endpoints.wire import Wire, connect, head
from tests.support.server import Json, digest
from tests.support.shared_server import SharedServer

MIB = 1024 * 1024
CONTENT = bytes(range(256)) * (2 * MIB // 256)

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def send_all(wire: Wire, data: bytes) -> None:
    """Send data slowly and ignore the response, as many clients do; the end of the connection ends it."""
    with contextlib.suppress(OSError):
        for start in range(0, len(data), MIB // 8):
            await wire.send(data[start : start + MIB // 8])
            await asyncio.sleep(0.02)


async def slot_of(shared: SharedServer) -> Json:
    upload = await shared.api.init(CONTENT)
    first: Json = upload["slots"]["nodes"][0]
    return first


async def test_a_sender_of_a_refused_chunk_reads_the_refusal_after_it_has_sent_everything(shared: SharedServer) -> None:
    url = (await slot_of(shared))["url"] + "x"
    async with connect(shared.url) as wire:
        await wire.send(head("PUT", url, Content_Length=len(CONTENT), Connection="close"))
        await send_all(wire, CONTENT)
        assert (await wire.answer()).status == 403
        assert await wire.ended()


async def test_a_sender_of_a_query_that_is_too_large_reads_413(shared: SharedServer) -> None:
    async with connect(shared.url) as wire:
        request = head(
            "POST",
            f"{shared.url}/graphql",
            Content_Type="application/json",
            Content_Length=len(CONTENT),
            Connection="close",
        )
        await wire.send(request)
        await send_all(wire, CONTENT)
        assert (await wire.answer()).status == 413
        assert await wire.ended()


async def test_a_sender_whose_body_has_stalled_reads_408_although_it_goes_on(shared: SharedServer) -> None:
    async with connect(shared.url) as wire:
        await wire.send(head("PUT", (await slot_of(shared))["url"], Content_Length=len(CONTENT)) + b"x")
        assert (await wire.answer()).status == 408
        await send_all(wire, CONTENT[1:])
        assert await wire.ended()


async def test_a_connection_is_closed_at_once_when_the_client_has_sent_everything(
    shared: SharedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lingering_close, "SILENCE_SECONDS", 60.0)
    slot = await slot_of(shared)
    async with connect(shared.url) as wire:
        body = CONTENT[: slot["size"]]
        await wire.send(head("PUT", slot["url"], Content_Length=len(body), Connection="close") + body)
        assert (await wire.answer()).json()["sha256"] == digest(body)
        assert await wire.closed()


async def test_a_client_that_falls_silent_after_a_refusal_is_closed(
    shared: SharedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lingering_close, "SILENCE_SECONDS", 0.2)
    async with connect(shared.url) as wire:
        await wire.send(head("PUT", (await slot_of(shared))["url"] + "x", Content_Length=MIB, Connection="close"))
        assert (await wire.answer()).status == 403
        assert await reset_follows(wire)


@pytest.mark.parametrize(("limit", "value"), [("TOTAL_SECONDS", 0.2), ("MAX_BYTES", MIB)])
async def test_what_is_read_after_a_refusal_is_limited(
    shared: SharedServer, monkeypatch: pytest.MonkeyPatch, limit: str, value: float
) -> None:
    monkeypatch.setattr(lingering_close, limit, value)
    async with connect(shared.url) as wire:
        url = (await slot_of(shared))["url"] + "x"
        await wire.send(head("PUT", url, Content_Length=2**40, Connection="close"))
        assert (await wire.answer()).status >= 400
        assert await reset_follows(wire)


async def reset_follows(wire: Wire) -> bool:
    """Whether the server closes its own direction, and later the other one, too: then sending fails."""
    assert await wire.ended()
    with contextlib.suppress(OSError):
        async with asyncio.timeout(15):
            while True:
                await wire.send(bytes(MIB // 8))
                await asyncio.sleep(0.01)
    return True
