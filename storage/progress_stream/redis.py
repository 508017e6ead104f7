"""The event log on one Redis stream.

One ``XREAD`` per process feeds all its subscribers through small local buffers. When a buffer overflows, it is dropped,
and its subscriber reads the stream again from its last event. So memory is bounded and nothing is skipped. Redis
pub/sub loses messages at every reconnect; a stream does not.
"""

import asyncio
import json
import logging
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from redis.asyncio import Redis

from storage.errors import in_one_line
from storage.progress_stream.base import Event
from storage.progress_stream.cursors import BEGINNING, position
from storage.redis.breaker import Breaker, breaker_of
from storage.redis.connection import RedisUnavailable
from storage.redis.outbox import Outbox

logger = logging.getLogger("cloudkeep.events")

STREAM = "cloudkeep:events"
STREAM_LENGTH = 50_000
BUFFER = 256
PAGE = 1_000
BLOCK_MS = 2_000
RETRY_SECONDS = 0.5
#: Subscribers that read the stream by themselves at once. When thousands connect at the same time, other calls to Redis
#: still find a free connection.
READERS = 8


def _event(cursor: str, fields: dict[str, str]) -> Event:
    return Event(cursor, fields["topic"], json.loads(fields["payload"]), fields.get("owner"))


def _topics(fields: dict[str, str]) -> set[str | None]:
    """The topics whose subscribers get an entry of the stream; None is that of those who follow all topics."""
    return {None, fields["topic"], fields.get("owner")}


class RedisSubscription:
    """A subscriber's position in the log. Not safe for two readers at once.

    ``turns`` limits how many subscribers read the stream by themselves at the same time.
    """

    def __init__(self, redis: Redis, topic: str | None, last: str, turns: asyncio.Semaphore) -> None:
        self._redis = redis
        self._turns = turns
        self._breaker = breaker_of(redis)
        self._topic = topic
        self._last = last
        # True while there may be events between the last returned one and the buffer: they are read from the stream
        # first.
        self._behind = True
        self._skipped = False
        self._buffer: deque[Event] = deque()
        self._wake = asyncio.Event()
        self._page: asyncio.Task[None] | None = None

    @property
    def cursor(self) -> str:
        """See :class:`storage.progress_stream.base.Subscription`."""
        return self._last

    def offer(self, event: Event) -> None:
        """Accept an event from the process's reader; never blocks, never grows past the buffer."""
        if not self._behind and len(self._buffer) >= BUFFER:
            self._buffer.clear()
            self._behind = True
        if self._behind:
            self._skipped = True
        else:
            self._buffer.append(event)
        self._wake.set()

    def catch_up(self, upto: str = BEGINNING) -> None:
        """Read the stream before the buffered events, because the process's reader may have missed some events.

        The reader has offered all events up to ``upto``, so a subscriber without a backlog starts after them.
        """
        if not self._behind and not self._buffer:
            self._last = max(self._last, upto, key=position)
        self._behind = self._skipped = True
        self._wake.set()

    async def next_event(self, timeout: float) -> Event | None:
        """See :class:`storage.progress_stream.base.Subscription`."""
        try:
            async with asyncio.timeout(timeout):
                return await self._next_event()
        except TimeoutError:
            return None

    async def leave(self) -> None:
        """Stop reading."""
        if self._page:
            self._page.cancel()
            await asyncio.wait({self._page})

    async def _next_event(self) -> Event:
        while True:
            self._wake.clear()
            if self._behind and not self._buffer:
                # The read continues after the caller's timeout, because a cancelled read loses its connection.
                self._page = self._page or asyncio.create_task(self._read_page_or_wait())
                await asyncio.shield(self._page)
                self._page = None
            while self._buffer:
                event = self._buffer.popleft()
                if position(event.cursor) > position(self._last):
                    self._last = event.cursor
                    return event
            if not self._behind:
                await self._wake.wait()

    async def _read_page_or_wait(self) -> None:
        try:
            async with self._turns:
                await self._read_page()
        except RedisUnavailable:
            await asyncio.sleep(RETRY_SECONDS)
            await self._breaker.until_closed()

    async def _read_page(self) -> None:
        self._skipped = False
        async with self._breaker.call():
            page: Any = await self._redis.xrange(STREAM, min=f"({self._last}", count=PAGE)
        if not page:
            # An event that was offered while the reply was on its way was not buffered, so this is not the end yet.
            self._behind = self._skipped
            return
        self._buffer.extend(_event(*entry) for entry in page if self._topic in _topics(entry[1]))
        if not self._buffer:
            self._last = page[-1][0]


class RedisEventLog:
    """The log of one process. ``start`` before the first subscription, ``close`` at the end."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self.breaker: Breaker = breaker_of(redis)
        self._outbox: Outbox[tuple[str, dict[str, Any], str | None]] = Outbox(
            self.breaker, lambda event: self.publish(*event)
        )
        self._subscribers: dict[str | None, set[RedisSubscription]] = {}
        self._turns = asyncio.Semaphore(READERS)
        self._wanted = asyncio.Event()
        self._reader: asyncio.Task[None] | None = None
        self._last = BEGINNING
        #: Whether the last read succeeded, and the age in seconds of the newest event when it was read; 0 if there was
        #: nothing left to read.
        self.is_connected = False
        self.delay = 0.0

    async def start(self) -> None:
        """Start to read at the end of the stream, or to retry."""
        try:
            self._last = await self._tail()
            self.is_connected = True
        except RedisUnavailable as error:
            logger.warning("event log unavailable at the start: %s", in_one_line(error))
        self._reader = asyncio.create_task(self._read_for_ever(), name="event-log-reader")

    async def close(self) -> None:
        """Stop reading, and send the pending events."""
        await self._outbox.close()
        if self._reader:
            self._reader.cancel()
            await asyncio.wait({self._reader})

    async def publish(self, topic: str, payload: dict[str, Any], owner: str | None = None) -> str:
        """See :class:`storage.progress_stream.base.EventLog`."""
        entry: dict[Any, Any] = {"topic": topic, "payload": json.dumps(payload, separators=(",", ":"))}
        if owner is not None:
            entry["owner"] = owner
        async with self.breaker.call():
            return str(await self._redis.xadd(STREAM, entry, maxlen=STREAM_LENGTH, approximate=True))

    def post(self, topic: str, payload: dict[str, Any], owner: str | None = None) -> None:
        """See :class:`storage.progress_stream.base.EventLog`."""
        self._outbox.put((topic, payload, owner))

    @asynccontextmanager
    async def subscribe(self, topic: str | None = None, after: str | None = None) -> AsyncIterator[RedisSubscription]:
        """See :class:`storage.progress_stream.base.EventLog`."""
        if after is not None:
            position(after)
        await self._find_end()
        subscription = RedisSubscription(self._redis, topic, after or self._last, self._turns)
        self._subscribers.setdefault(topic, set()).add(subscription)
        self._wanted.set()
        try:
            yield subscription
        finally:
            self._forget(topic, subscription)
            await subscription.leave()

    async def _find_end(self) -> None:
        """Find the end of the stream after a time without subscribers."""
        if self._subscribers:
            return
        try:
            tail = await self._tail()
        except RedisUnavailable:
            # Older events may follow then, which watchers can distinguish from new ones.
            return
        if not self._subscribers:
            self._last = tail

    def _forget(self, topic: str | None, subscription: RedisSubscription) -> None:
        subscriptions = self._subscribers[topic]
        subscriptions.discard(subscription)
        if not subscriptions:
            del self._subscribers[topic]
        if not self._subscribers:
            self._wanted.clear()
            self.delay = 0.0

    async def _tail(self) -> str:
        async with self.breaker.call():
            newest = await self._redis.xrevrange(STREAM, count=1)
        return str(newest[0][0]) if newest else BEGINNING

    async def _read_for_ever(self) -> None:
        while True:
            # On a busy server, most events have no subscriber in this process. But after a failed read, read on until
            # one succeeds, so that the metrics recover.
            if self.is_connected:
                await self._wanted.wait()
            try:
                await self._read_once()
            except Exception as error:
                # Any error is retried: without its reader, every subscriber of this process would wait without end.
                if self.is_connected:
                    logger.warning("event log unavailable, retrying: %s", in_one_line(error))
                self.is_connected = False
                await asyncio.sleep(RETRY_SECONDS)
                self._catch_up_all(self._last)

    async def _read_once(self) -> None:
        if not self.is_connected and (not self._subscribers or self._last == BEGINNING):
            # Later events were not offered: they have no subscriber, or one that reads them itself.
            self._last = await self._tail()
            self._catch_up_all()
        streams: dict[Any, Any] = {STREAM: self._last}
        async with self.breaker.call(BLOCK_MS / 1000):
            replies: Any = await self._redis.xread(streams, count=PAGE, block=BLOCK_MS)
        if not self.is_connected:
            logger.warning("event log is back")
        self.is_connected = True
        if not replies:
            self.delay = 0.0
        for _, entries in replies:
            for cursor, fields in entries:
                self._last = cursor
                self._dispatch(_event(cursor, fields))
            if entries:
                self.delay = max(0.0, time.time() - position(self._last)[0] / 1000)

    def _dispatch(self, event: Event) -> None:
        for topic in {event.topic, event.owner, None}:
            for subscription in self._subscribers.get(topic, ()):
                subscription.offer(event)

    def _catch_up_all(self, upto: str = BEGINNING) -> None:
        for subscriptions in self._subscribers.values():
            for subscription in subscriptions:
                subscription.catch_up(upto)
