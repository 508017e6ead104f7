"""The time, always with a time zone, and the same on every host.

One host writes leases and dates, and another one reads them. A difference of a few seconds between their clocks is
harmless, but minutes are not: a host that is ahead would take running jobs from the others. So if its own clock differs
noticeably, a process uses that of Redis, which all of them share.
"""

from datetime import UTC, datetime, timedelta

#: Smaller differences may be the latency of Redis.
NOTICEABLE = timedelta(seconds=1)

_ahead = timedelta(0)


def now() -> datetime:
    """The current time in UTC."""
    return datetime.now(UTC) - _ahead


def set_ahead(by: timedelta) -> bool:
    """Set how far this host's clock is ahead of the shared one. Returns whether that has changed noticeably."""
    global _ahead
    by = by if abs(by) >= NOTICEABLE else timedelta(0)
    changed = abs(by - _ahead) >= NOTICEABLE
    if changed or not by:
        _ahead = by
    return changed
