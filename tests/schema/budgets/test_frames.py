"""Every frame of a subscription is paid for, at its actual cost, before its selection runs."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import pytest_asyncio

from services.budgets.budgets import Limit
from services.budgets.frame_payments import ADVANCE
from services.core.errors import ErrorCode
from tests.support.backends.databases import Databases
from tests.support.graphql_ws import connected
from tests.support.server import PROGRESS, Api, Json, sse_events
from tests.support.shared_server import SharedServer, another_user, shared_server

pytestmark = pytest.mark.asyncio(loop_scope="module")

#: Nothing is restored while a test runs.
SLOW = 1e-6
CAPACITY = 12_000
CHUNK_SIZE = 65_536
START = 10
LIGHT = "subscription ($id: ID!) { uploadProgress(uploadId: $id) { cursor stage percent bytesDone } }"
HEAVY = """subscription ($id: ID!, $after: String) { uploadProgress(uploadId: $id, after: $after) {
    cursor stage bytesDone upload { id slots(first: 1000) { nodes { index url } } } } }"""
#: The progress, `upload` and the upload, `slots` and its connection, `nodes`, and a thousand slots.
HEAVY_FRAME = 1 + 2 + 5 + 1 + 1 + 1_000
LEFT = "{ rateLimit { layers { name remaining } } }"
ABORT = "mutation ($id: ID!) { abortUpload(input: {uploadId: $id}) { userErrors { code } } }"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory, databases: Databases) -> AsyncIterator[SharedServer]:
    """A server whose accounts get no points back."""
    folder = tmp_path_factory.mktemp("stand")
    async with shared_server(folder, databases, budget_account=Limit(CAPACITY, SLOW)) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def person(shared: SharedServer) -> AsyncIterator[Api]:
    """A user with a full budget."""
    async with another_user(shared) as api:
        yield api


class Watch:
    """One event stream of an upload's progress."""

    def __init__(self, events: AsyncIterator[Json]) -> None:
        self._events = events
        self.answers: list[Json] = []

    async def next(self) -> Json:
        self.answers.append(await anext(self._events))
        return self.answers[-1]

    async def rest(self) -> list[Json]:
        self.answers += [event async for event in self._events]
        return self.answers

    @property
    def costs(self) -> list[tuple[int, int | None]]:
        """The price and the actual cost of every frame."""
        costs = [answer["extensions"]["cost"] for answer in self.answers]
        return [(cost["requestedQueryCost"], cost["actualQueryCost"]) for cost in costs]


@asynccontextmanager
async def watch(person: Api, document: str, **variables: object) -> AsyncIterator[Watch]:
    body = {"query": document, "variables": variables}
    headers = {"Accept": "text/event-stream"}
    async with person.http.stream("POST", "/graphql", json=body, headers=headers) as response:
        yield Watch(sse_events(response))


async def left(person: Api) -> int:
    """The remaining points of the account's budget."""
    layers = await person.data(LEFT)
    return sum(layer["remaining"] for layer in layers["layers"] if layer["name"] == "account")


async def send(person: Api, upload: Json, count: int) -> None:
    """Send the first chunks of an upload."""
    for slot in upload["slots"]["nodes"][:count]:
        assert (await person.put(slot, bytes(CHUNK_SIZE * (slot["index"] + 1)))).status_code == 200


async def large_upload(person: Api) -> Json:
    """An upload of a thousand chunks."""
    return await person.init(bytes(1_000 * CHUNK_SIZE), chunkSize=CHUNK_SIZE)


async def test_every_frame_takes_its_actual_cost_from_the_budget(person: Api) -> None:
    upload = await person.init(bytes(3 * CHUNK_SIZE), chunkSize=CHUNK_SIZE)
    before = await left(person)
    async with watch(person, PROGRESS, id=upload["id"]) as watching:
        await watching.next()
        await send(person, upload, 3)
        await watching.rest()
    frame = 1 + 2
    assert watching.costs[0] == (START + frame, START + frame)
    assert set(watching.costs[1:]) == {(frame, frame)}
    # Each chunk costs a point as well.
    assert before - await left(person) == START + frame * len(watching.answers) + 3


async def test_a_frame_that_needs_no_lookup_costs_a_point(person: Api) -> None:
    upload = await person.init(bytes(2 * CHUNK_SIZE), chunkSize=CHUNK_SIZE)
    async with watch(person, LIGHT, id=upload["id"]) as watching:
        await watching.next()
        await send(person, upload, 2)
        await watching.rest()
    assert set(watching.costs[1:]) == {(1, 1)}


async def test_points_that_were_reserved_in_advance_are_returned_when_the_subscription_ends(person: Api) -> None:
    upload = await person.init(bytes(2 * CHUNK_SIZE), chunkSize=CHUNK_SIZE)
    async with watch(person, LIGHT, id=upload["id"]) as watching:
        await watching.next()
        before = await left(person)
        await send(person, upload, 1)
        await watching.next()
        assert before - await left(person) == ADVANCE + 1 + 1
        aborted = await person.call(ABORT, id=upload["id"])
        await watching.rest()
    spent = 1 + len(watching.costs[1:]) + aborted["extensions"]["cost"]["actualQueryCost"]
    assert before - await left(person) == spent


async def test_the_lists_of_a_frame_multiply_its_price(person: Api) -> None:
    upload = await large_upload(person)
    async with watch(person, HEAVY, id=upload["id"]) as watching:
        await watching.next()
        before = await left(person)
        await send(person, upload, 1)
        await watching.next()
        assert watching.costs == [(START + HEAVY_FRAME, START + HEAVY_FRAME), (HEAVY_FRAME, HEAVY_FRAME)]
        assert before - await left(person) == HEAVY_FRAME + 1


async def test_what_a_frame_does_not_use_is_refunded(person: Api) -> None:
    upload = await person.init(bytes(10 * CHUNK_SIZE), chunkSize=CHUNK_SIZE)
    async with watch(person, HEAVY, id=upload["id"]) as watching:
        await watching.next()
        await send(person, upload, 1)
        await watching.next()
    assert watching.costs == [(START + HEAVY_FRAME, START + HEAVY_FRAME - 990), (HEAVY_FRAME, HEAVY_FRAME - 990)]


async def test_a_subscription_that_cannot_start_costs_no_frame(person: Api) -> None:
    before = await left(person)
    async with watch(person, HEAVY, id="unknown") as watching:
        (answer,) = await watching.rest()
    assert answer["errors"][0]["extensions"]["code"] == ErrorCode.NOT_FOUND
    assert watching.costs == [(START + HEAVY_FRAME, START)]
    assert before - await left(person) == START


async def spend(person: Api, upload: Json, least: int) -> None:
    """Use the budget up until fewer than ``least`` points are left."""
    document = "query ($id: ID!) { upload(id: $id) { slots(first: 1000) { nodes { index } } } }"
    while await left(person) >= least:
        await person.data(document, id=upload["id"])


async def limited(shared: SharedServer) -> float:
    """The subscriptions that ended because a frame could not be paid."""
    text = (await shared.http.get("/metrics")).text
    (value,) = re.findall(r"^cloudkeep_subscriptions_rate_limited_total (\S+)", text, re.MULTILINE)
    return float(value)


async def test_an_event_stream_whose_frame_cannot_be_paid_ends_with_the_time_to_wait(
    shared: SharedServer, person: Api
) -> None:
    upload = await large_upload(person)
    before = await limited(shared)
    async with watch(person, HEAVY, id=upload["id"]) as watching:
        await watching.next()
        await spend(person, upload, HEAVY_FRAME)
        await send(person, upload, 1)
        answer = (await watching.rest())[-1]
    (error,) = answer["errors"]
    assert (error["extensions"]["code"], error["extensions"]["layer"]) == (ErrorCode.RATE_LIMITED, "account")
    assert error["extensions"]["retryAfter"] > 0
    assert watching.costs[-1] == (HEAVY_FRAME, None)
    assert len(watching.answers) == 2
    assert await limited(shared) == before + 1


async def test_a_websocket_whose_frame_cannot_be_paid_stays_open(shared: SharedServer, person: Api) -> None:
    upload = await large_upload(person)
    async with connected(shared.url) as socket:
        await socket.init(Authorization=person.http.headers["Authorization"])
        await socket.subscribe(HEAVY, id=upload["id"])
        await socket.receive()
        await spend(person, upload, HEAVY_FRAME)
        await send(person, upload, 1)
        (last,) = await socket.until_complete()
        assert last["payload"]["errors"][0]["extensions"]["code"] == ErrorCode.RATE_LIMITED
        await socket.subscribe(LIGHT, name="2", id=upload["id"])
        assert (await socket.receive())["payload"]["data"]["uploadProgress"]["bytesDone"] == CHUNK_SIZE


async def test_a_light_subscription_continues_while_a_heavy_one_of_the_account_waits(person: Api) -> None:
    upload = await large_upload(person)
    async with watch(person, HEAVY, id=upload["id"]) as heavy, watch(person, LIGHT, id=upload["id"]) as light:
        await heavy.next()
        await light.next()
        await spend(person, upload, HEAVY_FRAME)
        await send(person, upload, 1)
        assert (await light.next())["data"]["uploadProgress"]["bytesDone"] == CHUNK_SIZE
