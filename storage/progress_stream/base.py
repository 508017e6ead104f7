"""The contract of an event log. Every implementation passes ``tests/contracts/test_event_log.py``."""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True)
class Event:
    """An event of a topic. ``payload`` is a JSON object.

    ``owner``, if there is one, is a second topic: its subscribers get the event, too.
    """

    cursor: str
    topic: str
    payload: dict[str, Any]
    owner: str | None = None


class Subscription(Protocol):
    """The events of one topic, or of all topics, each once and in order."""

    @property
    def cursor(self) -> str:
        """The cursor of the last returned event, or of the last event before the subscription started."""
        ...

    async def next_event(self, timeout: float) -> Event | None:
        """The next event, or None if there was none within ``timeout`` seconds."""
        ...


class EventLog(Protocol):
    """An append-only log of recent events. Dropped events can be replaced by reading the database."""

    async def publish(self, topic: str, payload: dict[str, Any], owner: str | None = None) -> str:
        """Append an event and return its cursor. Raises one of ``RedisUnavailable`` when the log is away."""
        ...

    def post(self, topic: str, payload: dict[str, Any], owner: str | None = None) -> None:
        """Append an event without waiting for it. Events that are posted keep their order.

        While the log is away, the newest few thousand wait for it. An event may be lost when the log goes away.
        """
        ...

    def subscribe(
        self, topic: str | None = None, after: str | None = None
    ) -> AbstractAsyncContextManager[Subscription]:
        """Follow a topic, or all topics, from now on or after the event with the cursor ``after``.

        No event after entering is missed; one from just before may be included. A slow reader misses nothing: it reads
        the log again from its last event. Raises :class:`storage.errors.InvalidCursor` for a cursor of another log.
        """
        ...
