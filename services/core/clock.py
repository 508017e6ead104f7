"""The current time, always with a time zone.

:func:`now` is the time of the database. Every time that is stored comes from it, and every stored time is compared with
it: leases, due times and expiries have one clock, whatever the clocks of the hosts and of Redis show. The database's
clock is read every minute (:mod:`cloudkeep.resources.clock_sync`). The seconds since that reading come from
:func:`elapsed`, which setting a clock does not change.

SQL's own ``now()`` inside each statement would need no reading. It is not used, for three reasons: rows are also
compared in Python, where the time must be the same; SQLite has only the host's clock, and stores times as text; and a
statement cannot refuse a clock that jumps. A time that is a little old is harmless: a lease is taken later, and an
upload expires later.

Tokens and signed URLs are checked without the database, and S3 checks the URLs that we sign for it. They use
:func:`host_now`.
"""

import time
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

#: A host's clock is corrected by no more than this. Tokens live for minutes: a larger error, of the host or of the
#: database, would end them or prolong them by as much, so it is left to an operator.
LARGEST_CORRECTION = timedelta(minutes=10)
#: A larger difference between this host's clock and the database's is reported.
TOLERATED = timedelta(minutes=1)
#: The largest step of the database's clock between two readings that is followed at once. A wrong time zone or a wrong
#: date is a larger one.
JUMP = timedelta(minutes=10)
#: Seconds for which a jump is not followed, so that an operator can set the clock right before anything expires. Then
#: the clock counts as right: it may have been wrong before.
HOLD_SECONDS = 3600.0
#: Seconds after the start of this host within which a jump is followed at once. A host without a battery for its clock
#: starts with the time at which it was switched off, and is set right when it has a network. If that were not followed,
#: the uploads that begin in the next hour would all expire at its end.
SETTLED_SECONDS = 600.0


class ClockState(NamedTuple):
    """What a :class:`DatabaseClock` knows, for a process that starts later on this host.

    ``origin``: the database's time at the start of this host, in seconds since the epoch. ``jumped_at``: what
    :func:`elapsed` was when a jump began that is not followed yet.
    """

    origin: float
    jumped_at: float | None = None


class DatabaseClock:
    """The database's time, from its last reading and the seconds since then."""

    def __init__(self) -> None:
        #: None before the first reading.
        self.state: ClockState | None = None

    def read(self, moment: datetime, at: float) -> timedelta:
        """Use this reading, made when :func:`elapsed` was ``at``. Returns the jump that is not followed, or zero."""
        known, origin = self.state, moment.timestamp() - at
        jump = timedelta(seconds=origin - known.origin if known else 0.0)
        if known and abs(jump) > JUMP and at >= SETTLED_SECONDS:
            jumped_at = at if known.jumped_at is None else known.jumped_at
            if at - jumped_at < HOLD_SECONDS:
                self.state = ClockState(known.origin, jumped_at)
                return jump
        self.state = ClockState(origin)
        return timedelta(0)

    def time(self) -> datetime:
        """The database's time in UTC; the host's before the first reading."""
        return datetime.fromtimestamp(self.state.origin + elapsed(), UTC) if self.state else host_time()


#: The clock of the database that this process is connected to.
DATABASE = DatabaseClock()


def now() -> datetime:
    """The current time in UTC by the database's clock; by the host's in a process without a database."""
    return DATABASE.time()


def host_now() -> datetime:
    """The current time in UTC by this host's clock, corrected by at most ``LARGEST_CORRECTION``.

    For what is checked without the database: tokens and signed URLs.
    """
    host, database = host_time(), now()
    return database if abs(host - database) <= LARGEST_CORRECTION else host


def earliest_now() -> datetime:
    """The current time by the database's clock or by this host's, whichever is earlier.

    For the age of files and objects, whose times are those of a host or of an object store: with only one clock, a
    wrong one could make new bytes look old.
    """
    return min(host_time(), now())


def difference() -> timedelta:
    """How far this host's clock is ahead of the database's."""
    return host_time() - now()


def host_time() -> datetime:
    """The current time in UTC by this host's clock, whatever it shows."""
    return datetime.now(UTC)


def elapsed() -> float:
    """Seconds since this host started, also those in which it was asleep. Setting the clock does not change them."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)
