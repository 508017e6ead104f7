"""The time, always with its zone, and the same on every host.

Leases and dates are written by one host and judged by another. A few seconds between their clocks are harmless, some
minutes are not: whoever is ahead would take running jobs away from everybody else. So each process goes by the clock
that all of them share, which is that of Redis, wherever its own differs noticeably.
"""

from datetime import UTC, datetime, timedelta

#: Less than that may as well be the way to Redis and back.
NOTICEABLE = timedelta(seconds=1)

_ahead = timedelta(0)


def now() -> datetime:
    """The current time in UTC."""
    return datetime.now(UTC) - _ahead


def set_ahead(by: timedelta) -> bool:
    """Say how far this host's clock is ahead of the one that all share. Returns whether that has changed noticeably."""
    global _ahead
    by = by if abs(by) >= NOTICEABLE else timedelta(0)
    changed = abs(by - _ahead) >= NOTICEABLE
    if changed or not by:
        _ahead = by
    return changed
