"""The contract of an event log. Every implementation passes ``tests/contracts/test_event_log.py``."""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True)
class Event:
    """An event of a topic. ``payload`` is a JSON object."""

    cursor: str
    topic: str
    payload: dict[str, Any]


class Subscription(Protocol):
    """Events of one topic, or of all, each once and in order."""

    @property
    def cursor(self) -> str:
        """The last event that was returned, or the last one before the subscription began."""
        ...

    async def next_event(self, timeout: float) -> Event | None:
        """The next event, or None when none came within ``timeout`` seconds."""
        ...


class EventLog(Protocol):
    """An append-only log of recent events. What it has dropped can be read from the database."""

    async def publish(self, topic: str, payload: dict[str, Any]) -> str:
        """Append an event and return its cursor. Raises one of ``RedisUnavailable`` when the log is away."""
        ...

    def subscribe(
        self, topic: str | None = None, after: str | None = None
    ) -> AbstractAsyncContextManager[Subscription]:
        """Follow a topic, or all: from the moment of entering, or from behind the event with the cursor ``after``.

        No event after entering is missed; one from just before may come too. A slow reader misses nothing: it reads the
        log again from its last event. Raises :class:`storage.errors.InvalidCursor` for a cursor that is not of this
        log.
        """
        ...
