"""Waiting for what a thread does with a connection, and breaking it off."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


async def to_end(pool: ThreadPoolExecutor, call: Callable[[], T], interrupt: Callable[[], object]) -> T:
    """Run on a thread. It has ended when this returns or is cancelled, for which ``interrupt`` breaks it off.

    Whoever cancels once more does not wait for that: it ends soon, by itself.
    """
    submitted = pool.submit(call)
    running = asyncio.wrap_future(submitted)
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        # What has not begun never will; what has just begun is broken off once it has something to break.
        while not submitted.cancel() and not submitted.done():
            interrupt()
            await asyncio.wait({running}, timeout=0.1)
        if not submitted.cancelled():
            submitted.exception()
            running.cancel()
        raise
