"""Pauses between the transactions of long work, for all others that write.

One transaction at a time writes to SQLite, and other processes look for its end only about ten times a second
(https://sqlite.org/c3ref/busy_handler.html). Work that starts one transaction after another would keep them out until
they give up.
"""

import asyncio
import time
from collections.abc import Awaitable
from typing import TypeVar

T = TypeVar("T")

#: The shortest pause, in seconds.
LEAST_PAUSE = 0.005


async def paced(step: Awaitable[T]) -> T:
    """The result of a step, after a pause as long as the step: so others can write for half of the time."""
    start = time.monotonic()
    result = await step
    await asyncio.sleep(max(LEAST_PAUSE, time.monotonic() - start))
    return result
