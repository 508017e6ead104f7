"""Delays of attempts of this process alone."""

import time
from collections import OrderedDict
from typing import NamedTuple

from storage.attempt_delays.base import WAITING_SECONDS, Counter

#: Counters in memory. The least recently used ones are dropped, which forgets their failures.
MAX_COUNTERS = 20_000


class Failures(NamedTuple):
    """A counter's failures, the time of the last attempt, and when they are forgotten: seconds, monotonic clock."""

    number: int
    at: float
    expires_at: float


class LocalDelays:
    """A :class:`storage.attempt_delays.base.AttemptDelays` in memory. It never waits, and is always available."""

    def __init__(self) -> None:
        self._failures: OrderedDict[str, Failures] = OrderedDict()

    async def begin(self, client: Counter, total: Counter | None = None) -> float:
        """See :class:`storage.attempt_delays.base.AttemptDelays`."""
        now = time.monotonic()
        own = self._find(client, now)
        needed = client.rule.delay(own.number if own else 0)
        if total and (others := self._find(total, now)):
            needed = max(needed, total.rule.delay(others.number))
        passed = now - own.at if own else 0.0
        if needed > passed:
            if not own:
                self._save(client, 0, now, needed + WAITING_SECONDS)
            return needed - passed
        self._count(client, now)
        if total:
            self._count(total, now)
        return 0.0

    async def succeed(self, client: Counter, total: Counter | None = None) -> None:
        """See :class:`storage.attempt_delays.base.AttemptDelays`."""
        self._failures.pop(client.key, None)
        self._subtract(total)

    async def take_back(self, client: Counter, total: Counter | None = None) -> None:
        """See :class:`storage.attempt_delays.base.AttemptDelays`."""
        self._subtract(client)
        self._subtract(total)

    def _find(self, counter: Counter, now: float) -> Failures | None:
        found = self._failures.get(counter.key)
        return found if found and found.expires_at > now else None

    def _count(self, counter: Counter, now: float) -> None:
        found = self._find(counter, now)
        number = 1 + (found.number if found else 0)
        self._save(counter, number, now, counter.rule.memory_of(number))

    def _subtract(self, counter: Counter | None) -> None:
        if counter and (found := self._failures.pop(counter.key, None)) and found.number > 1:
            self._failures[counter.key] = found._replace(number=found.number - 1)

    def _save(self, counter: Counter, number: int, now: float, seconds: float) -> None:
        self._failures[counter.key] = Failures(number, now, now + seconds)
        self._failures.move_to_end(counter.key)
        if len(self._failures) > MAX_COUNTERS:
            self._failures.popitem(last=False)
