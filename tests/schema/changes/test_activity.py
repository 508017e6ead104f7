"""The subscription to everything of an account, over WebSocket and as Server-Sent Events."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from uuid import UUID

import pytest
import pytest_asyncio

from services.budgets.budgets import Payer
from services.budgets.errors import RateLimited
from services.budgets.frame_payments import FramePayment, FramePayments
from services.budgets.frame_rates import FrameRate
from services.core.clock import now
from services.core.ids import Prefix, encode
from storage.events import events
from tests.services.changes.rows import change
from tests.support.graphql_ws import Socket, connected
from tests.support.server import Api, Json, key_of, sse_events
from tests.support.shared_server import SharedServer, another_user

pytestmark = pytest.mark.asyncio(loop_scope="module")

ACTIVITY = """subscription ($after: String) { activity(after: $after) { __typename cursor
    ... on Change { kind itemId at item { id name } }
    ... on UploadProgress { stage percent bytesDone upload { id status } } } }"""
CURSOR = "{ changesCursor }"
CHANGES = "query ($after: String!) { changes(after: $after, first: 100) { nodes { itemId cursor } } }"
CONTENT = hashlib.shake_256(b"active").digest(3 * 65_536)


@pytest_asyncio.fixture(loop_scope="module")
async def person(shared: SharedServer) -> AsyncIterator[Api]:
    """A user without changes."""
    async with another_user(shared) as api:
        yield api


@pytest_asyncio.fixture(loop_scope="module")
async def socket(shared: SharedServer, person: Api) -> AsyncIterator[Socket]:
    """A connection of this user."""
    async with connected(shared.url) as opened:
        await opened.init(Authorization=person.http.headers["Authorization"])
        yield opened


async def account_of(api: Api) -> UUID:
    return key_of((await api.data("{ me { id } }"))["id"])


def event_of(message: Json) -> Json:
    assert message["type"] == "next", message
    assert "errors" not in message["payload"], message
    event: Json = message["payload"]["data"]["activity"]
    return event


async def receive(socket: Socket) -> Json:
    return event_of(await socket.receive())


async def until(socket: Socket, is_last: Callable[[Json], bool]) -> list[Json]:
    """Events up to the first one for which this is true."""
    found = [await receive(socket)]
    while not is_last(found[-1]):
        found.append(await receive(socket))
    return found


def is_heartbeat(event: Json) -> bool:
    return bool(event["__typename"] == "Heartbeat")


async def subscribe(socket: Socket, after: str | None = None) -> list[Json]:
    """Subscribe, and return the events up to the first heartbeat."""
    await socket.subscribe(ACTIVITY, after=after)
    return await until(socket, is_heartbeat)


@asynccontextmanager
async def event_stream(api: Api, after: str | None = None) -> AsyncIterator[Callable[[], Awaitable[Json]]]:
    """The next event of a subscription over Server-Sent Events."""
    body = {"query": ACTIVITY, "variables": {"after": after}}
    headers = {"Accept": "text/event-stream"}
    async with api.http.stream("POST", "/graphql", json=body, headers=headers) as response:
        received = sse_events(response)

        async def following() -> Json:
            async with asyncio.timeout(30):
                answer = await anext(received)
            assert "errors" not in answer, answer
            event: Json = answer["data"]["activity"]
            return event

        yield following


async def test_one_socket_shows_an_upload_from_its_beginning_to_its_file(person: Api, socket: Socket) -> None:
    (start,) = await subscribe(socket)
    assert start["cursor"] == await person.data(CURSOR)
    upload = await person.upload(CONTENT, fileName="film.bin", chunkSize=65_536)
    shown = await until(socket, lambda event: event.get("stage") == "READY")
    progress = [event for event in shown if event["__typename"] == "UploadProgress"]
    assert {event["upload"]["id"] for event in progress} == {upload["id"]}
    assert progress[-1]["upload"]["status"] == "READY"
    changes = [event for event in shown if event["__typename"] == "Change"]
    if not changes:
        changes = (await until(socket, lambda event: event["__typename"] == "Change"))[-1:]
    (created,) = changes
    assert (created["kind"], created["item"]["name"]) == ("CREATED", "film.bin")
    assert created["cursor"] == await person.data(CURSOR)


async def test_an_event_stream_shows_the_same(person: Api) -> None:
    async with event_stream(person) as following:
        assert is_heartbeat(await following())
        upload = await person.init(CONTENT)
        event = await following()
        assert (event["__typename"], event["stage"], event["upload"]["id"]) == (
            "UploadProgress",
            "RECEIVING",
            upload["id"],
        )
        (item,) = await change(await account_of(person))
        event = await following()
        assert (event["kind"], event["itemId"], event["item"]) == ("CREATED", encode(Prefix.FILE, item), None)


async def test_after_a_lost_connection_all_changes_since_come_first(person: Api, socket: Socket) -> None:
    account_id = await account_of(person)
    await subscribe(socket)
    (seen,) = await change(account_id)
    first = await receive(socket)
    assert first["itemId"] == encode(Prefix.FILE, seen)
    missed = await change(account_id, 5)
    upload = await person.init(CONTENT)
    await socket.send({"id": "1", "type": "complete"})
    shown = await subscribe_again(socket, first["cursor"])
    assert [event.get("itemId") for event in shown[:5]] == [encode(Prefix.FILE, item) for item in missed]
    assert [event["__typename"] for event in shown[5:]] == ["UploadProgress", "Heartbeat"]
    assert shown[5]["upload"]["id"] == upload["id"]
    assert {event["cursor"] for event in shown[4:]} == {await person.data(CURSOR)}


async def subscribe_again(socket: Socket, after: str) -> list[Json]:
    """Subscribe under another name; events of the earlier subscription may still come."""
    await socket.subscribe(ACTIVITY, name="2", after=after)
    found: list[Json] = []
    while not (found and is_heartbeat(found[-1])):
        message = await socket.receive()
        if message["id"] == "2":
            found.append(event_of(message))
    return found


async def test_the_feed_and_the_activity_have_the_same_cursors(person: Api, socket: Socket) -> None:
    account_id = await account_of(person)
    start = await person.data(CURSOR)
    await change(account_id, 4)
    read = (await person.data(CHANGES, after=start))["nodes"]
    shown = await subscribe(socket, read[1]["cursor"])
    assert [event["cursor"] for event in shown[:2]] == [change["cursor"] for change in read[2:]]
    assert (await person.data(CHANGES, after=shown[0]["cursor"]))["nodes"] == read[3:]


async def test_two_tabs_and_a_writer_agree(person: Api, socket: Socket) -> None:
    account_id = await account_of(person)
    await subscribe(socket)
    async with event_stream(person) as following:
        assert is_heartbeat(await following())
        items: list[UUID] = []
        for count in (1, 2, 3, 4):
            items += await change(account_id, count)
        expected = [encode(Prefix.FILE, item) for item in items]
        assert [(await following())["itemId"] for _ in items] == expected
        assert [(await receive(socket))["itemId"] for _ in items] == expected


async def test_no_change_is_lost_while_frames_wait_for_points(
    person: Api, socket: Socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A newer frame of progress replaces one that waits; a change is never replaced."""
    monkeypatch.setattr(FrameRate, "take", lambda self: 0.01)
    account_id = await account_of(person)
    await subscribe(socket)
    items = [item for _ in range(10) for item in await change(account_id, 2)]
    shown = [await receive(socket) for _ in items]
    assert [event["itemId"] for event in shown] == [encode(Prefix.FILE, item) for item in items]


async def test_who_cannot_pay_continues_later_without_a_loss(
    person: Api, socket: Socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    account_id = await account_of(person)
    (start,) = await subscribe(socket)
    refusals = [None, 0.01, 0.01]
    pay = FramePayments.pay

    async def refuse(self: FramePayments, payer: Payer, points: int) -> FramePayment:
        if refusals:
            raise RateLimited("too few points", layer="account", retry_after=refusals.pop())
        return await pay(self, payer, points)

    monkeypatch.setattr(FramePayments, "pay", refuse)
    items = await change(account_id, 3)
    assert "RATE_LIMITED" in str(await socket.receive())
    shown = await subscribe_again(socket, start["cursor"])
    assert [event.get("itemId") for event in shown] == [*(encode(Prefix.FILE, item) for item in items), None]


@pytest.mark.parametrize(("after", "code"), [("", "INVALID_INPUT"), ("0-0", "INVALID_INPUT")])
async def test_text_that_is_no_cursor_is_refused(socket: Socket, after: str, code: str) -> None:
    await socket.subscribe(ACTIVITY, after=after)
    (message,) = await socket.until_complete_or_error()
    assert code in str(message)


async def test_a_client_that_was_away_for_too_long_lists_the_drive_again(person: Api, socket: Socket) -> None:
    start = await person.data(CURSOR)
    await change(await account_of(person), 3)
    await events.purge(now())
    await socket.subscribe(ACTIVITY, after=start)
    (message,) = await socket.until_complete_or_error()
    assert "CURSOR_EXPIRED" in str(message)


async def test_another_account_is_not_visible(shared: SharedServer, person: Api, socket: Socket) -> None:
    await subscribe(socket)
    await shared.api.upload(CONTENT, fileName="another.bin")
    await change(await account_of(shared.api), 3)
    (item,) = await change(await account_of(person))
    assert (await receive(socket))["itemId"] == encode(Prefix.FILE, item)


async def test_the_activity_needs_a_viewer(shared: SharedServer) -> None:
    body = {"query": ACTIVITY, "variables": {}}
    answer = await shared.http.post("/graphql", json=body, headers={"Accept": "text/event-stream"})
    assert "UNAUTHENTICATED" in answer.text


async def test_closed_sessions_end_the_activity(shared: SharedServer) -> None:
    async with another_user(shared) as leaving, connected(shared.url) as opened:
        await opened.init(Authorization=leaving.http.headers["Authorization"])
        await subscribe(opened)
        await leaving.call("mutation { logout { userErrors { code } } }")
        assert await opened.closing() in {4401, 4403}
