"""A stream of events with heartbeats takes an event only when its reader is ready for one."""

import asyncio
from collections.abc import AsyncGenerator

import pytest

from cloudkeep.graphql.heartbeats import with_heartbeats

NEVER = 3600.0


class Source:
    """Three events. It knows how many were taken, and whether it was closed."""

    def __init__(self, error: Exception | None = None) -> None:
        self.taken = 0
        self.is_closed = False
        self._error = error

    async def events(self) -> AsyncGenerator[str, None]:
        try:
            for number in range(3):
                self.taken += 1
                yield str(number)
            if self._error:
                raise self._error
        finally:
            self.is_closed = True


async def silence() -> AsyncGenerator[str, None]:
    """No event, and no end."""
    await asyncio.Event().wait()
    yield "never"


async def test_all_events_arrive_in_order_and_the_stream_ends_with_them() -> None:
    source = Source()
    assert [event async for event in with_heartbeats(source.events(), "beat", NEVER)] == ["0", "1", "2"]
    assert source.is_closed


async def test_no_event_is_taken_before_the_reader_has_finished_with_the_one_before() -> None:
    source = Source()
    stream = with_heartbeats(source.events(), "beat", NEVER)
    assert await anext(stream) == "0"
    assert source.taken == 1
    assert await anext(stream) == "1"
    assert source.taken == 2
    await stream.aclose()


async def test_a_silent_stream_has_heartbeats() -> None:
    stream = with_heartbeats(silence(), "beat", 0.01)
    assert [await anext(stream), await anext(stream)] == ["beat", "beat"]
    await stream.aclose()


async def test_a_reader_that_leaves_closes_the_source() -> None:
    source = Source()
    stream = with_heartbeats(source.events(), "beat", NEVER)
    await anext(stream)
    await stream.aclose()
    assert source.is_closed


async def test_an_error_of_the_source_is_raised_after_its_events() -> None:
    stream = with_heartbeats(Source(LookupError()).events(), "beat", NEVER)
    assert [await anext(stream) for _ in range(3)] == ["0", "1", "2"]
    with pytest.raises(LookupError):
        await anext(stream)
