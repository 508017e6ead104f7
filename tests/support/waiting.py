"""Waits for conditions, independent of speed."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import httpx

T = TypeVar("T")

PATIENCE_SECONDS = 60.0


async def eventually(look: Callable[[], Awaitable[T | None]], patience: float = PATIENCE_SECONDS) -> T:
    """The first true result of ``look``; fails the test when there is none for ``patience`` seconds."""
    async with asyncio.timeout(patience):
        while not (found := await look()):
            await asyncio.sleep(0.02)
        return found


def nothing_is_away(answer: httpx.Response) -> bool:
    """Whether ``/readyz`` has said that requests may come, and that nothing is away that they can do without."""
    return answer.status_code == 200 and "degraded" not in answer.json()
