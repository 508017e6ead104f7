"""A session that is closed at one host ends at every other one within five seconds, also without Redis."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from storage.redis.valkey import EmbeddedValkey
from tests.e2e.conftest import sign_up
from tests.support.graphql_ws import codes_of, connected
from tests.support.process import ServeProcess, free_port, serving
from tests.support.server import PASSWORD, PROGRESS, Api, Json, http_client, sse_events
from tests.support.waiting import eventually

KEYS = "one:a secret that all hosts share which is long"
UNAUTHORIZED = 4401
LOGIN = """mutation ($input: LoginInput!) { login(input: $input) { session { accessToken } userErrors { code } } }"""
REVOKE_OTHERS = "mutation { revokeOtherSessions { closedSessions userErrors { code } } }"


@pytest.fixture
async def hosts(
    tmp_path: Path, empty_database: str, valkey: EmbeddedValkey
) -> AsyncIterator[tuple[ServeProcess, ServeProcess]]:
    """Two hosts with one database, one store and one Redis; the second has two API processes."""
    given = {
        "CLOUDKEEP_DATABASE_URL": empty_database,
        "CLOUDKEEP_BLOB_URL": (tmp_path / "blobs").as_uri(),
        "CLOUDKEEP_REDIS_URL": valkey.url,
        "CLOUDKEEP_SECRET_KEYS": KEYS,
    }
    with ExitStack() as stack:
        second = stack.enter_context(serving(tmp_path / "second", free_port(), (), CLOUDKEEP_WORKERS="2", **given))
        first = stack.enter_context(serving(tmp_path / "first", free_port(), (), CLOUDKEEP_JOB_WORKERS="0", **given))
        yield first, second


async def events_until_the_end(api: Api, upload: Json, frames: list[Json]) -> None:
    body = {"query": PROGRESS, "variables": {"id": upload["id"]}}
    async with api.http.stream("POST", "/graphql", json=body, headers={"Accept": "text/event-stream"}) as response:
        async for event in sse_events(response):
            frames += [event]


async def is_refused(api: Api) -> bool:
    answer = await api.call("{ me { id } }")
    return [error["extensions"]["code"] for error in answer.get("errors", [])] == ["UNAUTHENTICATED"]


async def is_refused_on_a_new_connection(url: str, token: dict[str, str]) -> bool:
    async with http_client(url, timeout=60) as http:
        http.headers.update(token)
        return await is_refused(Api(http))


async def test_a_thief_who_holds_on_to_another_host_is_signed_out_while_redis_is_away(
    hosts: tuple[ServeProcess, ServeProcess], valkey: EmbeddedValkey
) -> None:
    first, second = hosts
    async with http_client(first.url, timeout=60) as one, http_client(second.url, timeout=60) as other:
        owner, thief = await sign_up(one, first), Api(other)
        user_id = (await owner.data("{ me { userId } }"))["userId"]
        payload = await thief.data(LOGIN, input={"userId": user_id, "password": PASSWORD})
        token = {"Authorization": f"Bearer {payload['session']['accessToken']}"}
        other.headers.update(token)
        upload = await thief.init(b"x" * 70_000)
        frames: list[Json] = []
        reading = asyncio.create_task(events_until_the_end(thief, upload, frames))
        async with connected(second.url) as socket:
            await socket.init(**token)
            await socket.subscribe(PROGRESS, id=upload["id"])
            assert (await socket.receive())["type"] == "next"

            async def has_begun() -> bool:
                return bool(frames)

            await eventually(has_begun)
            valkey.kill()
            await valkey.wait()
            assert (await owner.data(REVOKE_OTHERS))["closedSessions"] == 1
            assert await socket.closing() == UNAUTHORIZED
            await asyncio.wait_for(reading, 60)
            assert codes_of([{"payload": frames[-1]}]) == ["UNAUTHENTICATED"]
            # Both API processes of that host.
            for _ in range(8):
                await eventually(lambda: is_refused_on_a_new_connection(second.url, token))
        assert not await is_refused(owner)
