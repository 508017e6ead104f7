"""A newer event replaces one that waits."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator

import pytest

from schema.execution.newest_event import NewestEvent

LONG = 60.0


class Source:
    """Events that a test sends. ``END`` ends them, and an exception is raised."""

    END = object()

    def __init__(self) -> None:
        self.events: asyncio.Queue[object] = asyncio.Queue()
        self.is_closed = False

    def send(self, *events: object) -> None:
        for event in events:
            self.events.put_nowait(event)

    async def read(self) -> AsyncGenerator[object, None]:
        try:
            while (event := await self.events.get()) is not self.END:
                if isinstance(event, Exception):
                    raise event
                yield event
        finally:
            self.is_closed = True


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture
async def newest(source: Source) -> AsyncIterator[NewestEvent]:
    opened = NewestEvent(source.read())
    yield opened
    await opened.close()


async def test_events_that_do_not_wait_are_returned_one_by_one(source: Source, newest: NewestEvent) -> None:
    source.send(1, 2)
    assert [await newest.next(), await newest.next()] == [1, 2]


async def test_the_newest_event_replaces_those_that_wait(source: Source, newest: NewestEvent) -> None:
    source.send(1, 2, 3)
    assert await newest.wait(await newest.next(), 0.1) == 3


async def test_an_event_without_a_newer_one_remains(source: Source, newest: NewestEvent) -> None:
    source.send(1)
    assert await newest.wait(await newest.next(), 0.01) == 1


async def test_an_event_after_the_wait_is_the_next_one(source: Source, newest: NewestEvent) -> None:
    source.send(1)
    await newest.wait(await newest.next(), 0.01)
    source.send(2)
    assert await newest.next() == 2
    source.send(3)
    assert await newest.next() == 3


async def test_the_last_event_survives_the_end_of_the_source(source: Source, newest: NewestEvent) -> None:
    source.send(1, 2, Source.END)
    assert await newest.wait(await newest.next(), 0.05) == 2
    assert await newest.wait(2, 0.01) == 2
    with pytest.raises(StopAsyncIteration):
        await newest.next()


async def test_an_error_of_the_source_ends_the_wait(source: Source, newest: NewestEvent) -> None:
    source.send(1, ValueError("gone"))
    with pytest.raises(ValueError, match="gone"):
        await newest.wait(await newest.next(), LONG)


async def test_closing_stops_reading_ahead(source: Source) -> None:
    newest = NewestEvent(source.read())
    source.send(1)
    await newest.wait(await newest.next(), 0.01)
    await newest.close()
    assert source.is_closed
