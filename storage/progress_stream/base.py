"""The contract of an event log. Every implementation passes ``tests/contracts/test_event_log.py``."""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True)
class Event:
    """Something that happened to a topic. ``payload`` is a JSON object."""

    cursor: str
    topic: str
    payload: dict[str, Any]


class Subscription(Protocol):
    """Events of one topic, or of all, each once and in order."""

    @property
    def cursor(self) -> str:
        """Everything up to here was taken, or happened before the subscription began."""
        ...

    async def take(self, timeout: float) -> Event | None:
        """The next event, or None when none came within ``timeout`` seconds."""
        ...


class EventLog(Protocol):
    """An append-only log that keeps the recent past. What it forgets can be read from the database."""

    async def publish(self, topic: str, payload: dict[str, Any]) -> str:
        """Append an event and return its cursor. Raises one of ``RedisUnavailable`` when the log is away."""
        ...

    def subscribe(
        self, topic: str | None = None, after: str | None = None
    ) -> AbstractAsyncContextManager[Subscription]:
        """Follow a topic, or all: from the moment of entering, or from just behind the event with cursor ``after``.

        No event falls between entering and the first read; one from just before may come too. A slow reader is never
        skipped: the log is read again from the last event it took. Raises :class:`storage.errors.InvalidCursor` on a
        cursor of another make.
        """
        ...
