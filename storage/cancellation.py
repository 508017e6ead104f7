"""Calls that go on after their caller was cancelled."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

T = TypeVar("T")


async def run_to_end(call: Awaitable[T]) -> T:
    """Await a call, and do not return before it has ended, however often the caller is cancelled meanwhile.

    Use it where the caller holds a lock, a lease or a file for the call: a query that was sent to a database, or a
    function that runs on a thread, goes on after a cancellation. The call must have a time limit of its own.
    """
    task = asyncio.ensure_future(call)
    cancellation: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError as error:
            cancellation = error
    if cancellation is None:
        return task.result()
    if not task.cancelled():
        task.exception()  # retrieved, so that asyncio does not log it
    raise cancellation
