"""A closed session ends its event streams and WebSockets, and an answer of the database is needed for that."""

import asyncio
import gc

import httpx
import pytest

from services.accounts import recent_reads
from storage.accounts import sessions as rows
from storage.accounts.models import Session
from storage.errors import DatabaseUnavailable
from tests.support.graphql_ws import codes_of, connected
from tests.support.server import PROGRESS, Api, Json, key_of, sse_events
from tests.support.shared_server import SharedServer, another_user
from tests.support.waiting import eventually

pytestmark = pytest.mark.asyncio(loop_scope="module")

UNAUTHORIZED, TRY_AGAIN_LATER = 4401, 1013
ME = "{ me { id } }"
LOGOUT = "mutation { logout { userErrors { code } } }"
EVENTS = {"Accept": "text/event-stream"}


def token_of(api: Api) -> dict[str, str]:
    return {"Authorization": api.http.headers["Authorization"]}


async def close_session(api: Api) -> None:
    """Close the user's session as another process does."""
    (session,) = (await api.data("{ me { sessions { nodes { id } } } }"))["sessions"]["nodes"]
    await Session.filter(id=key_of(session["id"])).delete()


async def events_until_the_end(api: Api, upload: Json, frames: list[Json]) -> None:
    body = {"query": PROGRESS, "variables": {"id": upload["id"]}}
    async with api.http.stream("POST", "/graphql", json=body, headers=EVENTS) as response:
        async for event in sse_events(response):
            frames += [event]


async def has_begun(frames: list[Json]) -> bool:
    return bool(frames)


@pytest.fixture
def _away(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no session be trusted, and the database be away for all checks of sessions."""

    async def fail(*_: object) -> set[object]:
        raise DatabaseUnavailable("away")

    monkeypatch.setattr(recent_reads, "LIFE_SECONDS", 0)
    monkeypatch.setattr(rows, "find_open", fail)


async def test_an_event_stream_ends_with_its_session(shared: SharedServer) -> None:
    async with another_user(shared) as api:
        frames: list[Json] = []
        reading = asyncio.create_task(events_until_the_end(api, await api.init(b"x" * 70_000), frames))
        await eventually(lambda: has_begun(frames))
        await close_session(api)
        await asyncio.wait_for(reading, 60)
        assert codes_of([{"payload": frames[-1]}]) == ["UNAUTHENTICATED"]
        assert "session has ended" in frames[-1]["errors"][0]["message"]


@pytest.mark.parametrize("place", ["parameters", "header"])
async def test_a_websocket_is_closed_with_its_session(shared: SharedServer, place: str) -> None:
    """With a code upon which clients do not connect again with the same token."""
    async with another_user(shared) as api:
        upload, token = await api.init(b"x" * 70_000), token_of(api)
        async with connected(shared.url, headers=token if place == "header" else None) as socket:
            await socket.init(**(token if place == "parameters" else {}))
            await socket.subscribe(PROGRESS, id=upload["id"])
            assert (await socket.receive())["type"] == "next"
            await close_session(api)
            assert await socket.closing() == UNAUTHORIZED


async def test_a_client_can_sign_out_over_its_websocket_and_reads_the_answer(shared: SharedServer) -> None:
    async with another_user(shared) as api, connected(shared.url) as socket:
        await socket.init(**token_of(api))
        await socket.subscribe(LOGOUT)
        (answer,) = await socket.until_complete()
        assert answer["payload"]["data"] == {"logout": {"userErrors": []}}
        assert await socket.closing() == UNAUTHORIZED


async def test_the_token_of_a_closed_session_opens_no_websocket(shared: SharedServer) -> None:
    async with another_user(shared) as api:
        await api.data(LOGOUT)
        async with connected(shared.url) as socket:
            await socket.send({"type": "connection_init", "payload": token_of(api)})
            assert await socket.closing() == UNAUTHORIZED


@pytest.mark.usefixtures("_away")
async def test_without_the_database_a_request_is_told_to_come_back_and_not_that_it_is_signed_out(
    shared: SharedServer,
) -> None:
    (error,) = (await shared.api.call(ME))["errors"]
    assert error["extensions"]["code"] == "TEMPORARILY_UNAVAILABLE"
    assert error["extensions"]["retryAfter"] > 0
    assert (await shared.api.call("{ __typename }"))["data"] == {"__typename": "Query"}


@pytest.mark.usefixtures("_away")
async def test_without_the_database_a_websocket_is_closed_so_that_its_client_tries_again(
    shared: SharedServer,
) -> None:
    async with connected(shared.url) as socket:
        await socket.send({"type": "connection_init", "payload": token_of(shared.api)})
        assert await socket.closing() == TRY_AGAIN_LATER


async def test_streams_go_on_without_the_database(shared: SharedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    checked = asyncio.Event()

    async def fail(*_: object) -> set[object]:
        checked.set()
        raise DatabaseUnavailable("away")

    async with another_user(shared) as api, connected(shared.url) as socket:
        upload = await api.init(b"x" * 70_000)
        await socket.init(**token_of(api))
        await socket.subscribe(PROGRESS, id=upload["id"])
        assert (await socket.receive())["type"] == "next"
        with monkeypatch.context() as patch:
            patch.setattr(rows, "find_open", fail)
            await asyncio.wait_for(checked.wait(), 60)
            await socket.subscribe("{ __typename }", name="2")
            assert (await socket.receive())["payload"]["data"] == {"__typename": "Query"}


async def test_no_check_is_left_when_a_stream_ends(shared: SharedServer) -> None:
    """The stream of a client that leaves is forgotten, so that its session is not read any more."""
    async with another_user(shared) as api:
        upload = await api.init(b"x" * 70_000)
        async with httpx.AsyncClient(base_url=shared.url, headers=token_of(api)) as leaving:
            frames: list[Json] = []
            reading = asyncio.create_task(events_until_the_end(Api(leaving), upload, frames))
            await eventually(lambda: has_begun(frames))
            reading.cancel()
            await asyncio.wait({reading})
        async with connected(shared.url) as socket:
            await socket.init(**token_of(api))

        async def is_forgotten() -> bool:
            return not any(watched_streams())

        await eventually(is_forgotten)


def watched_streams() -> list[object]:
    """The keys that the checks of this process watch."""
    return [key for each in gc.get_objects() if type(each).__name__ == "LiveSessions" for key in each._streams]
