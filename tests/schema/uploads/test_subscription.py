"""Subscriptions to the progress of uploads, over WebSocket and as Server-Sent Events."""

import asyncio
import gc
import hashlib
from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID

import pytest
import pytest_asyncio
from gql import Client, gql
from gql.transport.websockets import WebsocketsTransport
from websockets.exceptions import InvalidStatus

from services.accounts.tokens import AccessTokens
from storage.progress_stream import RedisEventLog
from tests.support.graphql_ws import PROTOCOL, Socket, codes_of, connected
from tests.support.server import PROGRESS, Json, http_client, key_of, sse_events
from tests.support.shared_server import KEYS, SharedServer, another_user
from tests.support.waiting import eventually

pytestmark = pytest.mark.asyncio(loop_scope="module")

CHUNK_SIZE = 65_536
CONTENT = hashlib.shake_256(b"watched").digest(3 * CHUNK_SIZE)
STAGES = ["RECEIVING", "REASSEMBLING", "COMPRESSING", "READY"]
#: Upon the first code clients give up, upon the second one they reconnect with a new token.
UNAUTHORIZED, FORBIDDEN = 4401, 4403


@pytest_asyncio.fixture(loop_scope="module")
async def upload(shared: SharedServer) -> Json:
    return await shared.api.init(CONTENT, chunkSize=CHUNK_SIZE)


@pytest_asyncio.fixture(loop_scope="module")
async def socket(shared: SharedServer) -> AsyncIterator[Socket]:
    """A connection of the signed-in user."""
    async with connected(shared.url) as opened:
        assert await opened.init(Authorization=bearer(shared)) == {"type": "connection_ack"}
        yield opened


def bearer(shared: SharedServer) -> str:
    return shared.api.http.headers["Authorization"]


async def fill(shared: SharedServer, upload: Json) -> None:
    for slot in upload["slots"]["nodes"]:
        await shared.api.put(slot, CONTENT)


def assert_in_order(frames: list[Json]) -> None:
    """Stages and percentages never go back, and the last event is READY."""
    places = [(STAGES.index(frame["stage"]), frame["percent"]) for frame in frames]
    assert places == sorted(places)
    assert (frames[-1]["stage"], frames[-1]["percent"]) == ("READY", 100)
    assert len({frame["cursor"] for frame in frames}) > 1


def frames_of(messages: list[Json]) -> list[Json]:
    assert all(message["type"] == "next" and "errors" not in message["payload"] for message in messages), messages
    return [message["payload"]["data"]["uploadProgress"] for message in messages]


async def test_a_websocket_shows_the_current_progress_first_and_ends_with_the_upload(
    shared: SharedServer, upload: Json, socket: Socket
) -> None:
    await shared.api.put(upload["slots"]["nodes"][0], CONTENT)
    await socket.subscribe(PROGRESS, id=upload["id"])
    first = frames_of([await socket.receive()])[0]
    assert (first["stage"], first["bytesDone"], first["bytesTotal"]) == ("RECEIVING", CHUNK_SIZE, len(CONTENT))
    await fill(shared, upload)
    assert_in_order([first, *frames_of(await socket.until_complete())])


async def test_an_event_stream_shows_the_current_progress_first_and_ends_with_the_upload(
    shared: SharedServer, upload: Json
) -> None:
    await shared.api.put(upload["slots"]["nodes"][0], CONTENT)
    watching = asyncio.create_task(shared.api.frames(upload["id"]))
    await eventually(lambda: is_watched(upload))
    await fill(shared, upload)
    frames = await watching
    assert (frames[0]["stage"], frames[0]["bytesDone"]) == ("RECEIVING", CHUNK_SIZE)
    assert_in_order(frames)


async def test_a_real_client_follows_an_upload(shared: SharedServer, upload: Json) -> None:
    target = f"ws{shared.url.removeprefix('http')}/graphql"
    transport = WebsocketsTransport(target, init_payload={"Authorization": bearer(shared)}, subprotocols=[PROTOCOL])
    document = gql(PROGRESS)
    document.variable_values = {"id": upload["id"]}
    frames = []
    async with Client(transport=transport) as session:
        async for answer in session.subscribe(document):
            frames.append(answer["uploadProgress"])
            if len(frames) == 1:
                await fill(shared, upload)
    assert_in_order(frames)


async def test_a_finished_upload_has_one_last_event(shared: SharedServer, upload: Json, socket: Socket) -> None:
    await fill(shared, upload)
    await shared.api.frames(upload["id"])
    await socket.subscribe(PROGRESS, id=upload["id"])
    (frame,) = frames_of(await socket.until_complete())
    assert frame["stage"] == "READY"
    assert len(await shared.api.frames(upload["id"])) == 1


async def test_an_aborted_upload_ends_its_subscription(shared: SharedServer, upload: Json, socket: Socket) -> None:
    await socket.subscribe(PROGRESS, id=upload["id"])
    await socket.receive()
    await shared.api.data(
        "mutation ($id: ID!) { abortUpload(input: {uploadId: $id}) { upload { id } } }", id=upload["id"]
    )
    assert frames_of(await socket.until_complete())[-1]["stage"] == "ABORTED"


async def test_a_subscription_continues_after_a_cursor(shared: SharedServer, upload: Json) -> None:
    watching = asyncio.create_task(shared.api.frames(upload["id"]))
    await eventually(lambda: is_watched(upload))
    await fill(shared, upload)
    frames = await watching
    again = await shared.api.frames(upload["id"], after=frames[0]["cursor"])
    assert again[-1]["stage"] == "READY"


@pytest.mark.parametrize("after", ["", "x", "1", "1-", "1-x", "-1-1", "\0", "$", "+", "9" * 30 + "-0", "9" * 20 + "-0"])
async def test_a_cursor_that_this_server_did_not_make_is_refused(
    shared: SharedServer, upload: Json, socket: Socket, after: str
) -> None:
    await socket.subscribe(PROGRESS, id=upload["id"], after=after)
    assert codes_of(await socket.until_complete_or_error()) == ["INVALID_INPUT"]


@pytest.mark.parametrize("upload_id", ["", "x", str(UUID(int=1))])
async def test_an_unknown_upload_is_not_found(socket: Socket, upload_id: str) -> None:
    await socket.subscribe(PROGRESS, id=upload_id)
    assert codes_of(await socket.until_complete_or_error()) == ["NOT_FOUND"]


async def test_an_upload_of_another_account_is_not_found(shared: SharedServer, socket: Socket) -> None:
    async with another_user(shared) as other:
        others_upload = await other.init(b"content")
    await socket.subscribe(PROGRESS, id=others_upload["id"])
    assert codes_of(await socket.until_complete_or_error()) == ["NOT_FOUND"]


async def test_an_anonymous_client_cannot_subscribe(shared: SharedServer, upload: Json) -> None:
    async with connected(shared.url) as socket:
        assert await socket.init() == {"type": "connection_ack"}
        await socket.subscribe(PROGRESS, id=upload["id"])
        assert codes_of(await socket.until_complete_or_error()) == ["UNAUTHENTICATED"]


async def test_an_anonymous_client_cannot_subscribe_by_an_event_stream(shared: SharedServer, upload: Json) -> None:
    body = {"query": PROGRESS, "variables": {"id": upload["id"]}}
    async with shared.http.stream("POST", "/graphql", json=body, headers=EVENTS) as response:
        (event,) = [event async for event in sse_events(response)]
    assert codes_of([{"payload": event}]) == ["UNAUTHENTICATED"]


async def test_queries_and_mutations_run_over_a_websocket(shared: SharedServer, socket: Socket) -> None:
    await socket.subscribe("{ me { id } }")
    (message,) = await socket.until_complete()
    assert message["payload"]["data"]["me"]["id"]


async def test_subscriptions_of_one_websocket_are_independent(shared: SharedServer, socket: Socket) -> None:
    uploads = [await shared.api.init(CONTENT, chunkSize=CHUNK_SIZE) for _ in range(2)]
    for name, upload in zip("ab", uploads, strict=True):
        await socket.subscribe(PROGRESS, name=name, id=upload["id"])
    for upload in uploads:
        await fill(shared, upload)
    ended: set[str] = set()
    while len(ended) < 2:
        message = await socket.receive()
        if message["type"] == "complete":
            ended.add(message["id"])
        else:
            assert (
                message["payload"]["data"]["uploadProgress"]["upload"]["id"] == uploads["ab".index(message["id"])]["id"]
            )


async def test_a_token_can_be_in_a_header_of_the_handshake(shared: SharedServer) -> None:
    async with connected(shared.url, headers={"Authorization": bearer(shared)}) as socket:
        await socket.init()
        await socket.subscribe("{ me { id } }")
        assert (await socket.receive())["payload"]["data"]["me"]["id"]


async def test_the_name_of_the_token_parameter_is_case_insensitive(shared: SharedServer) -> None:
    async with connected(shared.url) as socket:
        await socket.init(AUTHORIZATION=bearer(shared))
        await socket.subscribe("{ me { id } }")
        assert (await socket.receive())["payload"]["data"]["me"]["id"]


@pytest.mark.parametrize("token", ["x", "a.b.c", "x" * 9_000])
async def test_an_invalid_token_in_the_parameters_closes_the_websocket(shared: SharedServer, token: str) -> None:
    async with connected(shared.url) as socket:
        await socket.send({"type": "connection_init", "payload": {"Authorization": f"Bearer {token}"}})
        assert await socket.closing() == UNAUTHORIZED


async def test_an_invalid_token_in_a_header_refuses_the_handshake(shared: SharedServer) -> None:
    with pytest.raises(InvalidStatus, match="403"):
        async with connected(shared.url, headers={"Authorization": "Bearer x"}):
            pass


@pytest.mark.parametrize(
    "parameters", [{}, {"Authorization": 5}, {"Authorization": None}, {"Authorization": "x"}, {"a": []}]
)
async def test_a_client_without_a_token_in_the_parameters_is_anonymous(shared: SharedServer, parameters: Json) -> None:
    async with connected(shared.url) as socket:
        await socket.init(**parameters)
        await socket.subscribe("{ me { id } }")
        assert (await socket.receive())["payload"]["data"] == {"me": None}


async def short_token(shared: SharedServer) -> str:
    """A token of the signed-in user that is valid for one to two seconds."""
    account = await shared.api.data("{ me { id sessions(first: 1) { nodes { id } } } }")
    (session,) = account["sessions"]["nodes"]
    tokens = AccessTokens(KEYS, timedelta(seconds=2))
    return f"Bearer {tokens.issue(key_of(account['id']), key_of(session['id']))[0]}"


@pytest.mark.parametrize("place", ["parameters", "header"])
async def test_a_websocket_is_closed_when_its_token_expires(shared: SharedServer, upload: Json, place: str) -> None:
    token = {"Authorization": await short_token(shared)}
    async with connected(shared.url, headers=token if place == "header" else None) as socket:
        await socket.init(**(token if place == "parameters" else {}))
        await socket.subscribe(PROGRESS, id=upload["id"])
        assert (await socket.receive())["type"] == "next"
        assert await socket.closing() == FORBIDDEN
    await eventually(lambda: is_forgotten(upload))


async def test_an_event_stream_ends_when_its_token_expires(shared: SharedServer, upload: Json) -> None:
    headers = {**EVENTS, "Authorization": await short_token(shared)}
    body = {"query": PROGRESS, "variables": {"id": upload["id"]}}
    async with shared.http.stream("POST", "/graphql", json=body, headers=headers) as response:
        first, *rest = [event async for event in sse_events(response)]
    assert "errors" not in first
    assert codes_of([{"payload": rest[-1]}]) == ["UNAUTHENTICATED"]
    await eventually(lambda: is_forgotten(upload))


async def test_a_websocket_can_have_fifty_subscriptions(socket: Socket, upload: Json) -> None:
    for number in range(50):
        await socket.subscribe(PROGRESS, name=str(number), id=upload["id"])
    assert {(await socket.receive())["type"] for _ in range(50)} == {"next"}
    await socket.subscribe(PROGRESS, name="50", id=upload["id"])
    assert await socket.closing() == 4429
    await eventually(lambda: is_forgotten(upload))


async def test_completing_a_subscription_frees_it(socket: Socket, upload: Json) -> None:
    await socket.subscribe(PROGRESS, id=upload["id"])
    await socket.receive()
    assert await is_watched(upload)
    await socket.send({"type": "complete", "id": "1"})
    await eventually(lambda: is_forgotten(upload))


async def test_closing_a_websocket_frees_its_subscriptions(shared: SharedServer, upload: Json) -> None:
    async with connected(shared.url) as socket:
        await socket.init(Authorization=bearer(shared))
        for name in "abc":
            await socket.subscribe(PROGRESS, name=name, id=upload["id"])
            await socket.receive()
    await eventually(lambda: is_forgotten(upload))


async def test_closing_an_event_stream_frees_its_subscription(shared: SharedServer, upload: Json) -> None:
    body = {"query": PROGRESS, "variables": {"id": upload["id"]}}
    async with http_client(shared.url) as client:
        headers = {**EVENTS, "Authorization": bearer(shared)}
        async with client.stream("POST", "/graphql", json=body, headers=headers) as response:
            await anext(sse_events(response))
            assert await is_watched(upload)
    await eventually(lambda: is_forgotten(upload))


async def test_a_subscription_that_ended_is_freed(shared: SharedServer, upload: Json) -> None:
    await fill(shared, upload)
    await shared.api.frames(upload["id"])
    await eventually(lambda: is_forgotten(upload))


EVENTS = {"Accept": "text/event-stream"}


def watchers(upload: Json) -> int:
    """The number of subscribers to an upload in the server's event log, which is in this process."""
    logs = [log for log in gc.get_objects() if type(log) is RedisEventLog]
    return sum(len(log._subscribers.get(str(key_of(upload["id"])), ())) for log in logs)


async def is_watched(upload: Json) -> bool:
    return watchers(upload) > 0


async def is_forgotten(upload: Json) -> bool:
    return watchers(upload) == 0
