"""Limits on how slowly a request body may arrive.

With a limit on silence alone, a sender could hold a slot without end by sending a byte now and then. A deadline for the
whole body would have to suit the slowest connection. So a sender has credit, in seconds: waiting uses it up, and bytes
restore it, up to its first value. At ``rate`` bytes per second or more the credit never ends; without a byte it lasts
for ``silence`` seconds. Time that the server itself takes, for hashing and writing, does not count.
"""

from dataclasses import dataclass
from time import monotonic

from services.uploads.errors import BodyStalled


@dataclass(frozen=True)
class BodyTimeouts:
    """The limits for a body: at most ``silence`` seconds without a byte, and on average ``rate`` bytes per second."""

    silence: float
    rate: int


class ThroughputGuard:
    """Watches the sender of one body.

    The receiver enters it for every wait for more bytes, and reports those that arrive. It does so on one thread at a
    time; any thread may read the rest. A gibibyte takes thousands of waits, so neither call may cost much.
    """

    def __init__(self, timeouts: BodyTimeouts) -> None:
        self._timeouts = timeouts
        self._rate = timeouts.rate
        self._max_credit = self._credit = timeouts.silence
        self._waiting_since: float | None = None
        self._has_received = False

    @property
    def credit(self) -> float:
        """Seconds left to wait if no byte arrives; never negative."""
        return max(0.0, self._credit)

    def silent_seconds(self) -> float:
        """The seconds for which the receiver has been waiting for the next byte; 0 while it does not wait."""
        since = self._waiting_since
        return 0.0 if since is None else monotonic() - since

    def __enter__(self) -> None:
        self._waiting_since = monotonic()

    def __exit__(self, *_: object) -> None:
        started, self._waiting_since = self._waiting_since, None
        if started is not None:
            self._credit -= monotonic() - started

    def received(self, count: int) -> None:
        """Report that this many bytes have arrived."""
        if count:
            self._has_received = True
            credit = self._credit + count / self._rate
            self._credit = credit if credit < self._max_credit else self._max_credit

    def stalled(self) -> BodyStalled:
        """The error to raise when the credit is used up."""
        timeouts = self._timeouts
        if self._has_received:
            return BodyStalled(
                f"The body stopped, or came at less than {timeouts.rate} bytes a second,"
                f" for more than {timeouts.silence:g} seconds."
            )
        return BodyStalled(f"No byte arrived for {timeouts.silence:g} seconds.")
