"""Events of an upload for a watcher that may be slower than they are."""

from storage.progress_stream import Event, Subscription


class NewestEvents:
    """The events of a subscription, except for those that a later event has replaced by now.

    An event is replaced by the next one if that has the same stage and no lower percentage. So a watcher that takes
    long for a frame is not shown how things were, but how they are, and sees every stage all the same.
    """

    def __init__(self, events: Subscription) -> None:
        self._events = events
        self._next: Event | None = None
        #: The cursor of the last returned event, or of the last event before the subscription started.
        self.cursor = events.cursor

    async def next_event(self, timeout: float) -> Event | None:
        """The next event, or None if there was none within ``timeout`` seconds."""
        event = self._next or await self._events.next_event(timeout)
        self._next = None
        while event:
            later = await self._events.next_event(0)
            if later is None or not _replaces(later, event):
                self._next, self.cursor = later, event.cursor
                return event
            event = later
        return None


def _replaces(later: Event, event: Event) -> bool:
    before, after = event.payload, later.payload
    return bool(before["stage"] == after["stage"] and before["percent"] <= after["percent"])
