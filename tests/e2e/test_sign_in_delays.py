"""All processes share the counts of wrong passwords: guesses at all of them are as few as at one."""

import asyncio
from collections import Counter
from pathlib import Path

import httpx

from services.accounts.sign_in.sign_in_delays import FREE_OF_CLIENT
from tests.support.process import serving
from tests.support.server import http_client

PROCESSES = 3
GUESSES = 300
LOGIN = "mutation ($input: LoginInput!) { login(input: $input) { userErrors { code } } }"


async def test_three_processes_verify_no_more_guesses_than_one(tmp_path: Path, empty_database: str) -> None:
    with serving(
        tmp_path,
        CLOUDKEEP_DATABASE_URL=empty_database,
        CLOUDKEEP_WORKERS=str(PROCESSES),
        CLOUDKEEP_BUDGET_ANONYMOUS="off",
        CLOUDKEEP_BUDGET_TIMEOUT="60",  # even on a busy machine, no process counts by itself
    ) as process:
        async with http_client(process.url, timeout=120) as http:
            codes = Counter(await asyncio.gather(*(guess(http, number) for number in range(GUESSES))))
    assert codes.keys() == {"INVALID_CREDENTIALS", "TOO_MANY_ATTEMPTS"}
    # Those that come later may be let through after 1, 3, 7, 15 ... seconds: ten more would need a quarter of an hour.
    assert FREE_OF_CLIENT <= codes["INVALID_CREDENTIALS"] < PROCESSES * FREE_OF_CLIENT


async def guess(http: httpx.AsyncClient, number: int) -> str:
    given = {"userId": "nobody", "password": f"guess number {number}"}
    answer = (await http.post("/graphql", json={"query": LOGIN, "variables": {"input": given}})).json()
    errors = answer.get("errors")
    return str(errors[0]["extensions"]["code"] if errors else answer["data"]["login"]["userErrors"][0]["code"])
