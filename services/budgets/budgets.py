"""Budgets: every request pays from the buckets of all its layers, or from none of them."""

import math
import time
from collections.abc import Sequence

from services.budgets.budget_layers import GrantedLimits, Layer, Layers
from services.budgets.errors import RateLimited
from services.budgets.limits import LayerStatus, Limit, Limits, Payer
from services.core.counters import BudgetCounters
from storage.token_buckets import BucketsAway, BucketsOverloaded, BucketStore, Claim

__all__ = ["Budgets", "LayerStatus", "Limit", "Limits", "Payer", "Reservation"]

#: How long a client is asked to wait when it is not a budget that is short, in seconds.
PAUSE_SECONDS = 1.0
BUSY = "The server is busy. Try again in a moment."


class Reservation:
    """What was taken from a payer's buckets. ``points`` and ``ingest_bytes`` are what may still be given back."""

    __slots__ = ("_found", "_levels", "_moment", "_reserved", "ingest_bytes", "points", "store")

    def __init__(
        self, found: Sequence[Layer], levels: Sequence[float], store: BucketStore, points: int, ingest_bytes: int
    ) -> None:
        self._found = found
        self._reserved = self._levels = levels
        self._moment = time.monotonic()
        self.store = store
        self.points = points
        self.ingest_bytes = ingest_bytes

    @property
    def layers(self) -> tuple[LayerStatus, ...]:
        """Every layer as it was right after the reservation; empty when all of them are off."""
        return _statuses(self._found, self._reserved)

    def take_off(self, points: int, ingest_bytes: int) -> Claim:
        """What is to be given back of this much, which is at most what was reserved."""
        points = max(0, min(points, self.points))
        ingest_bytes = max(0, min(ingest_bytes, self.ingest_bytes))
        self.points -= points
        self.ingest_bytes -= ingest_bytes
        return _claim(self._found, points, ingest_bytes)

    def include(self, earlier: "Reservation") -> None:
        """Let what the same payer has reserved before be given back from here."""
        self.points += earlier.points
        self.ingest_bytes += earlier.ingest_bytes
        earlier.points = earlier.ingest_bytes = 0

    def later(self, returned: Claim) -> tuple[LayerStatus, ...]:
        """Every layer as it is by now, as far as this process knows, with what was given back."""
        now = time.monotonic()
        passed, self._moment = now - self._moment, now
        self._levels = [
            min(bucket.capacity, level + amount + passed * bucket.refill)
            for level, (bucket, amount) in zip(self._levels, returned, strict=True)
        ]
        return _statuses(self._found, self._levels)


class Budgets:
    """The budgets of everybody: ``shared`` is where the buckets are, ``own`` stands in while that is out of reach."""

    def __init__(
        self, limits: Limits, shared: BucketStore, own: BucketStore, grants: GrantedLimits | None = None
    ) -> None:
        self._layers = Layers(limits)
        self._shared = shared
        self._own = own
        self._grants = grants
        self.counts = BudgetCounters()

    async def reserve(self, payer: Payer, points: int, ingest_bytes: int = 0) -> Reservation:
        """Take points, and bytes of a chunk, from all layers of the payer, or from none.

        Bytes alone, without points, concern the layer ``ingest`` alone, and points alone all others. Costs are not
        below nothing. A cost above a layer's capacity is refused like any other, for ever: ``retry_after`` is None.
        Raises :class:`services.budgets.errors.RateLimited`.
        """
        found = _concerned(await self._layers_of(payer), points, ingest_bytes)
        claim = _claim(found, points, ingest_bytes)
        try:
            answer = await self._shared.take(claim)
            store = self._shared
        except BucketsAway:
            self._count_away(found)
            self._refuse_closed(found)
            answer = await self._own.take(claim)
            store = self._own
        except BucketsOverloaded:
            self.counts.overloaded += 1
            raise RateLimited(BUSY, layer="global", retry_after=PAUSE_SECONDS) from None
        if not answer.granted:
            raise self._refusal(found, claim, answer.levels)
        return Reservation(found, answer.levels, store, points, ingest_bytes)

    def refund(self, reservation: Reservation, points: int, ingest_bytes: int = 0) -> tuple[LayerStatus, ...]:
        """Give back what was reserved and not used, at most what was reserved; returns every layer as it is by now.

        What others have taken or given back since the reservation is not in these figures.
        """
        returned = reservation.take_off(points, ingest_bytes)
        if any(amount for _, amount in returned):
            reservation.store.give_back(returned)
        return reservation.later(returned)

    async def look(self, payer: Payer) -> tuple[LayerStatus, ...]:
        """Every layer of the payer as it is. Takes nothing and never refuses."""
        found = await self._layers_of(payer)
        claim = _claim(found, 0, 0)
        try:
            return _statuses(found, (await self._shared.take(claim)).levels)
        except (BucketsAway, BucketsOverloaded):
            levels = (await self._own.take(claim)).levels
            passing = [0.0 if layer.closed else level for layer, level in zip(found, levels, strict=True)]
            return _statuses(found, passing)

    async def _layers_of(self, payer: Payer) -> Sequence[Layer]:
        if self._grants and payer.account_id:
            granted = await self._grants.limits_of(payer.account_id)
            if granted:
                return self._layers.of(payer, granted)
        return self._layers.of_most(payer)

    def _count_away(self, found: Sequence[Layer]) -> None:
        self.counts.away.update((layer.name, "closed" if layer.closed else "open") for layer in found)

    def _refuse_closed(self, found: Sequence[Layer]) -> None:
        for layer in found:
            if layer.closed:
                self.counts.refused[layer.name] += 1
                raise RateLimited(BUSY, layer=layer.name, retry_after=PAUSE_SECONDS)

    def _refusal(self, found: Sequence[Layer], claim: Claim, levels: Sequence[float]) -> RateLimited:
        waits = [
            _seconds_until(cost, level, layer) for layer, (_, cost), level in zip(found, claim, levels, strict=True)
        ]
        longest = waits.index(max(waits))
        self.counts.refused[found[longest].name] += 1
        message = _message(found[longest].status(levels[longest]), claim[longest][1], waits[longest])
        retry_after = None if waits[longest] == math.inf else waits[longest]
        return RateLimited(message, layer=found[longest].name, retry_after=retry_after, layers=_statuses(found, levels))


def _concerned(layers: Sequence[Layer], points: int, ingest_bytes: int) -> list[Layer]:
    unconcerned = "bytes" if not ingest_bytes else None if points else "points"
    return [layer for layer in layers if layer.unit != unconcerned]


def _claim(layers: Sequence[Layer], points: int, ingest_bytes: int) -> Claim:
    return [(layer.bucket, points if layer.unit == "points" else ingest_bytes) for layer in layers]


def _statuses(layers: Sequence[Layer], levels: Sequence[float]) -> tuple[LayerStatus, ...]:
    return tuple([layer.status(level) for layer, level in zip(layers, levels, strict=True)])


def _seconds_until(cost: int, level: float, layer: Layer) -> float:
    """How long the bucket needs until it holds the cost."""
    if level >= cost:
        return 0.0
    if cost > layer.bucket.capacity or not layer.bucket.refill:
        return math.inf
    return (cost - level) / layer.bucket.refill


def _message(status: LayerStatus, cost: int, wait: float) -> str:
    what = f"This takes {cost} {status.unit}, and"
    if wait == math.inf:
        return f"{what} its budget never holds more than {status.capacity}."
    return f"{what} {status.available} of {status.capacity} are left. Try again in {math.ceil(wait)} s."
