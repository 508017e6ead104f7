"""Adds heartbeats to a stream of events, and takes an event from it only when the client is ready for one.

Strawberry's own function takes up to two events ahead. For a slow client they would be outdated when it reads them, and
each may take megabytes.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing


async def with_heartbeats(
    events: AsyncGenerator[str, None], heartbeat: str, seconds: float
) -> AsyncGenerator[str, None]:
    """The events, and ``heartbeat`` whenever none has come for so many seconds. An error of ``events`` is raised."""
    requests = asyncio.Semaphore(0)
    arrived: asyncio.Queue[str | None] = asyncio.Queue()
    # One task runs the whole generator, because it may have timeouts and context variables of its own.
    task = asyncio.create_task(_forward(events, requests, arrived))
    task.add_done_callback(lambda _: arrived.put_nowait(None))
    try:
        requests.release()
        while True:
            try:
                async with asyncio.timeout(seconds):
                    event = await arrived.get()
            except TimeoutError:
                yield heartbeat
                continue
            if event is None:
                await task
                return
            yield event
            del event
            requests.release()
    finally:
        task.cancel()
        await asyncio.wait({task})


async def _forward(
    events: AsyncGenerator[str, None], requests: asyncio.Semaphore, arrived: "asyncio.Queue[str | None]"
) -> None:
    """Take one event for each request."""
    async with aclosing(events):
        while True:
            await requests.acquire()
            event = await anext(events, None)
            if event is None:
                return
            arrived.put_nowait(event)
            del event
