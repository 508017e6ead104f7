"""Chunks beyond their owner's budget, by every transport of bodies."""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio
from redis.asyncio import Redis

from services.budgets.budgets import Budgets, Limits, Payer
from services.budgets.limits import Limit
from storage.token_buckets import LocalBuckets, RedisBuckets
from storage.uploads.models import Upload
from tests.endpoints.wire import connect, head
from tests.support.backends.databases import Databases
from tests.support.server import Json, key_of
from tests.support.shared_server import BUDGET_TIMEOUT, SharedServer, shared_server
from tests.support.waiting import eventually

pytestmark = pytest.mark.asyncio(loop_scope="module")

SIZE = 70_000
CONTENT = bytes(range(250)) * (SIZE // 250) * 3
#: Too slow for a test to notice.
INGEST = Limit(2 * SIZE, SIZE / 1000)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(
    tmp_path_factory: pytest.TempPathFactory, databases: Databases, protocol: type[asyncio.Protocol]
) -> AsyncIterator[SharedServer]:
    """A server with a small budget for bytes."""
    folder = tmp_path_factory.mktemp("stand")
    async with shared_server(folder, databases, protocol, budget_ingest=INGEST) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def budgets(shared: SharedServer) -> AsyncIterator[Budgets]:
    """The budgets as another process sees them, all unused."""
    assert shared.settings.redis_url
    async with Redis.from_url(shared.settings.redis_url) as redis:
        for key in await redis.keys("cloudkeep:{budget}:*"):
            await redis.delete(key)
    buckets = RedisBuckets(shared.settings.redis_url, BUDGET_TIMEOUT)
    await buckets.start()
    yield Budgets(replace(Limits(), ingest=INGEST), buckets, LocalBuckets())
    await buckets.close()


@pytest_asyncio.fixture(loop_scope="module")
async def upload(shared: SharedServer) -> Json:
    return await shared.api.init(CONTENT, chunkSize=SIZE)


@pytest_asyncio.fixture(loop_scope="module")
async def owner(upload: Json) -> Payer:
    return Payer("192.0.2.1", (await Upload.get(id=key_of(upload["id"]))).account_id)


@pytest.mark.usefixtures("budgets")
async def test_a_chunk_beyond_its_owners_budget_is_refused_with_a_time_to_wait(
    shared: SharedServer, upload: Json
) -> None:
    first, second, third = upload["slots"]["nodes"]
    # Sent without a sign-in: the owner pays for chunks of every sender.
    for slot in (first, second):
        assert (await shared.http.put(slot["url"], content=CONTENT[:SIZE])).status_code == 200
    refused = await shared.http.put(third["url"], content=CONTENT[:SIZE])
    assert (refused.status_code, refused.headers["Content-Type"]) == (429, "application/problem+json")
    problem = refused.json()
    assert (problem["code"], problem["layer"], problem["status"]) == ("RATE_LIMITED", "ingest", 429)
    assert 900 < problem["retryAfter"] <= 1000
    assert 900 < int(refused.headers["Retry-After"]) <= 1000
    policy = '"account";q=1000000;w=10, "ingest";q=140000;qu="content-bytes";w=2000'
    assert refused.headers["RateLimit-Policy"].endswith(policy)
    assert re.search(r'"ingest";r=\d{1,4};t=(9\d\d|1000)$', refused.headers["RateLimit"])
    assert [slot["index"] for slot in (await shared.api.look(upload["id"]))["slots"]["nodes"]] == [2]


async def test_a_connection_whose_chunk_was_refused_is_used_again(
    shared: SharedServer, upload: Json, owner: Payer, budgets: Budgets
) -> None:
    await budgets.reserve(owner, 0, INGEST.capacity)
    url = upload["slots"]["nodes"][0]["url"]
    async with connect(shared.url) as wire:
        for _ in range(2):
            await wire.send(head("PUT", url, Content_Length=SIZE) + CONTENT[:SIZE])
            assert (await wire.answer()).status == 429
        await wire.send(head("GET", f"{shared.url}/healthz"))
        assert (await wire.answer()).status == 200


async def test_a_sender_that_hangs_up_pays_for_what_came(
    shared: SharedServer, upload: Json, owner: Payer, budgets: Budgets
) -> None:
    async def left() -> int:
        return next(status.available for status in await budgets.read_layers(owner) if status.layer == "ingest")

    async def is_reserved() -> bool:
        return await left() <= INGEST.capacity - SIZE + 1000

    async def rest_is_back() -> bool:
        return await left() >= INGEST.capacity - SIZE // 2

    async with connect(shared.url) as wire:
        await wire.send(head("PUT", upload["slots"]["nodes"][0]["url"], Content_Length=SIZE) + CONTENT[: SIZE // 2])
        await eventually(is_reserved)
        wire.reset()
        await eventually(rest_is_back)
