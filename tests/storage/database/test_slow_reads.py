"""Reads with a time limit, which nothing else waits for."""

import asyncio

import pytest

from storage.database.connection import fetch, fetch_within
from storage.errors import QueryTimeout

#: Takes an hour or so, without much memory.
ENDLESS = """
WITH RECURSIVE n (i) AS (SELECT CAST(1 AS BIGINT) UNION ALL SELECT i + 1 FROM n WHERE i < 100000000000)
SELECT count(*) FROM n"""


async def test_a_read_has_its_rows_and_values(database: str) -> None:
    rows = await fetch_within(10, "SELECT CAST(? AS BIGINT), 'a'", 7)
    assert [tuple(row) for row in rows] == [(7, "a")]


async def test_a_read_that_takes_too_long_is_ended_and_the_next_one_works(database: str) -> None:
    with pytest.raises(QueryTimeout):
        await fetch_within(0.05, ENDLESS)
    assert [tuple(row) for row in await fetch_within(10, "SELECT 1")] == [(1,)]


async def test_other_reads_do_not_wait_for_a_slow_one(database: str) -> None:
    slow = asyncio.create_task(fetch_within(60, ENDLESS))
    await asyncio.sleep(0.05)
    assert [tuple(row) for row in await fetch("SELECT 1")] == [(1,)]
    assert not slow.done()
    slow.cancel()
    await asyncio.wait({slow})


async def test_a_read_ends_with_its_caller(database: str) -> None:
    slow = asyncio.create_task(fetch_within(60, ENDLESS))
    await asyncio.sleep(0.05)
    slow.cancel()
    await asyncio.wait({slow})
    assert slow.cancelled()
    assert [tuple(row) for row in await fetch_within(10, "SELECT 1")] == [(1,)]
