"""All processes share a budget: a client of all of them gets no more than a client of one."""

import asyncio
from pathlib import Path

import httpx

from tests.e2e.conftest import sign_up
from tests.support.process import serving
from tests.support.server import http_client

REQUESTS = 1_000
#: The server reports the cost of `me { storage { used } }`; the capacity is no multiple of it.
CAPACITY = 2_003
QUERY = "{ me { id storage { used } } }"


async def test_of_a_thousand_requests_at_once_just_as_many_pass_as_can_be_paid_for(
    tmp_path: Path, empty_database: str
) -> None:
    budget = f"{CAPACITY}/0.000001"
    with serving(
        tmp_path,
        CLOUDKEEP_DATABASE_URL=empty_database,
        CLOUDKEEP_WORKERS="3",
        CLOUDKEEP_BUDGET_ACCOUNT=budget,
        CLOUDKEEP_BUDGET_TIMEOUT="60",  # even on a busy machine, no process counts by itself
    ) as process:
        async with http_client(process.url, timeout=60) as http:
            api = await sign_up(http, process)
            price = (await api.call(QUERY))["extensions"]["cost"]["requestedQueryCost"]
            async with asyncio.TaskGroup() as group:
                answers = [group.create_task(ask(http)) for _ in range(REQUESTS)]
    statuses = [answer.result().status_code for answer in answers]
    assert CAPACITY % price
    assert statuses.count(200) == (CAPACITY - price) // price
    assert statuses.count(429) == REQUESTS - statuses.count(200)


async def ask(http: httpx.AsyncClient) -> httpx.Response:
    return await http.post("/graphql", json={"query": QUERY})
