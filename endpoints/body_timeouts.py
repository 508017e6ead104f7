"""How long a sender is waited for.

A limit on silence alone lets somebody hold a slot for ever with one byte every now and then, and a deadline for the
whole body would have to suit the slowest line. So a sender has credit, in seconds: waiting for it uses them up, and its
bytes earn them back, up to where it began. At ``rate`` bytes a second or more the credit never ends; without a byte it
lasts as long as a silence may. What the server itself takes, for hashing and writing, costs nothing.
"""

from dataclasses import dataclass
from time import monotonic

from services.uploads.errors import BodyStalled


@dataclass(frozen=True)
class BodyTimeouts:
    """``silence`` seconds without a byte, and over any longer time ``rate`` bytes a second on average."""

    silence: float
    rate: int


class ThroughputGuard:
    """Who sends one body. It is watched by whatever receives, on one thread at a time; anybody may ask.

    Enter it for every wait for more of its bytes. There are thousands of those in a gibibyte, so that neither this nor
    :meth:`sent` may cost anything.
    """

    def __init__(self, patience: BodyTimeouts) -> None:
        self._patience = patience
        self._rate = patience.rate
        self._full = self._credit = patience.silence
        self._waiting_since: float | None = None
        self._heard = False

    @property
    def credit(self) -> float:
        """For how many more seconds it is waited for, if no byte comes; never negative."""
        return max(0.0, self._credit)

    def silence(self) -> float:
        """For how many seconds it has been waited for since its last byte; 0 while nobody waits for it."""
        since = self._waiting_since
        return 0.0 if since is None else monotonic() - since

    def __enter__(self) -> None:
        self._waiting_since = monotonic()

    def __exit__(self, *_: object) -> None:
        began, self._waiting_since = self._waiting_since, None
        if began is not None:
            self._credit -= monotonic() - began

    def sent(self, count: int) -> None:
        """So many bytes have come."""
        if count:
            self._heard = True
            credit = self._credit + count / self._rate
            self._credit = credit if credit < self._full else self._full

    def stalled(self) -> BodyStalled:
        """What to raise when the credit is used up."""
        patience = self._patience
        if self._heard:
            return BodyStalled(
                f"The body stopped, or came at less than {patience.rate} bytes a second,"
                f" for more than {patience.silence:g} seconds."
            )
        return BodyStalled(f"Nothing came for {patience.silence:g} seconds.")
