"""Pays for the frames of subscriptions.

Most frames cost a few points. So that they do not need a round trip to Redis each, points for many of them are reserved
at once, for all subscriptions of a payer in this process. What is left is refunded when the last of them ends.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from services.budgets.budgets import Budgets, LayerStatus, Payer, Reservation

#: Points that are reserved in advance. A process that is killed loses at most these, for each payer.
ADVANCE = 50
#: A frame up to this price is paid from points that were reserved in advance.
LIGHT = 10


@dataclass(slots=True, eq=False)
class _Advance:
    """The points that are reserved in advance for a payer, who has this many subscriptions in this process."""

    subscriptions: int = 0
    reservation: Reservation | None = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


@dataclass(frozen=True, slots=True)
class FramePayment:
    """The reservation from which a frame was paid."""

    reservation: Reservation
    in_advance: bool


class FramePayments:
    """The payments of one process."""

    def __init__(self, budgets: Budgets) -> None:
        self._budgets = budgets
        self._advances: dict[Payer, _Advance] = {}

    @contextmanager
    def opened(self, payer: Payer) -> Iterator[None]:
        """Allow frames of one subscription of the payer to be paid during the block."""
        advance = self._advances.setdefault(payer, _Advance())
        advance.subscriptions += 1
        try:
            yield
        finally:
            advance.subscriptions -= 1
            if not advance.subscriptions:
                del self._advances[payer]
                self._refund_all(advance.reservation)

    async def pay(self, payer: Payer, points: int) -> FramePayment:
        """Take the price of a frame from the payer's budgets. Raises :class:`services.budgets.errors.RateLimited`."""
        if points > LIGHT:
            return FramePayment(await self._budgets.reserve(payer, points), in_advance=False)
        advance = self._advances[payer]
        async with advance.lock:
            reservation = advance.reservation
            if reservation is None or reservation.points < points:
                reservation = await self._budgets.reserve(payer, points, advance=ADVANCE)
                self._replace(advance, reservation)
            reservation.points -= points
        return FramePayment(reservation, in_advance=True)

    def refund(self, payer: Payer, payment: FramePayment, points: int) -> tuple[LayerStatus, ...]:
        """Return points that a frame did not use. Returns every layer after that, as far as this process knows."""
        if not payment.in_advance:
            return self._budgets.refund(payment.reservation, points)
        # The reservation may have been replaced while the frame was computed.
        reservation = self._advances[payer].reservation or payment.reservation
        reservation.points += points
        return self._budgets.refund(reservation, 0)

    def _replace(self, advance: _Advance, reservation: Reservation) -> None:
        """Replace the reservation by one that includes its unused points."""
        earlier, advance.reservation = advance.reservation, reservation
        if earlier and earlier.store is reservation.store:
            reservation.include(earlier)
        else:
            self._refund_all(earlier)

    def _refund_all(self, reservation: Reservation | None) -> None:
        if reservation:
            self._budgets.refund(reservation, reservation.points)
