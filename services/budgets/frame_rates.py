"""Limits how many frames the subscriptions of one payer get per second in this process, all of them together.

A frame takes processor time even if it costs next to nothing. This bounds what many subscriptions of one client can
take from those of the others.
"""

from time import monotonic

#: The least limit, in frames per second: five subscriptions at full speed.
MIN_FRAMES_PER_SECOND = 20
#: Frames of this many seconds may be sent at once.
BURST_SECONDS = 1.0


class FrameRate:
    """The rate of one payer's frames. Every frame gets the next free moment, so that all subscriptions take turns.

    This is the generic cell rate algorithm (ITU-T I.371). A payer gets as many frames per second as it may have
    subscriptions, so that each of them gets at least one.
    """

    def __init__(self) -> None:
        self._per_second = MIN_FRAMES_PER_SECOND
        #: The moment of the next frame if frames were sent evenly, by the monotonic clock.
        self._next = 0.0

    def set_limit(self, subscriptions: int) -> None:
        """Set the limit for a payer that may have this many subscriptions."""
        self._per_second = max(subscriptions, MIN_FRAMES_PER_SECOND)

    def take(self) -> float:
        """Count a frame. Returns the seconds that it has to wait."""
        now = monotonic()
        self._next = max(self._next, now - BURST_SECONDS) + 1 / self._per_second
        return max(0.0, self._next - now)
