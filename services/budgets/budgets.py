"""Budgets: every request pays from the buckets of all its layers, or from none of them."""

import math
import time
from collections.abc import Sequence

from services.budgets.budget_layers import Layer, Layers, OverrideSource
from services.budgets.errors import RateLimited
from services.budgets.limits import LayerStatus, Limit, Limits, Payer
from services.core.counters import BudgetCounters
from storage.token_buckets import BucketsOverloaded, BucketStore, BucketsUnavailable, Claim, ClaimResult

__all__ = ["Budgets", "LayerStatus", "Limit", "Limits", "Payer", "Reservation"]

#: The ``retry_after``, in seconds, of a refusal for another reason than an exhausted budget.
PAUSE_SECONDS = 1.0
BUSY = "The server is busy. Try again in a moment."


class Reservation:
    """The amounts taken from a payer's buckets. ``points`` and ``ingest_bytes`` can still be refunded."""

    __slots__ = ("_layers", "_levels", "_moment", "_reserved", "ingest_bytes", "points", "store")

    def __init__(
        self, layers: Sequence[Layer], levels: Sequence[float], store: BucketStore, points: int, ingest_bytes: int
    ) -> None:
        self._layers = layers
        self._reserved = self._levels = levels
        self._moment = time.monotonic()
        self.store = store
        self.points = points
        self.ingest_bytes = ingest_bytes

    @property
    def layers(self) -> tuple[LayerStatus, ...]:
        """Every layer right after the reservation; empty if all of them are switched off."""
        return _statuses(self._layers, self._reserved)

    def deduct(self, points: int, ingest_bytes: int) -> Claim:
        """Deduct a refund of at most the reserved amounts, and return it as a claim."""
        points = max(0, min(points, self.points))
        ingest_bytes = max(0, min(ingest_bytes, self.ingest_bytes))
        self.points -= points
        self.ingest_bytes -= ingest_bytes
        return _claim(self._layers, points, ingest_bytes)

    def include(self, earlier: "Reservation") -> None:
        """Add an earlier reservation of the same payer, so that it can be refunded together with this one."""
        self.points += earlier.points
        self.ingest_bytes += earlier.ingest_bytes
        earlier.points = earlier.ingest_bytes = 0

    def layers_after(self, refund: Claim) -> tuple[LayerStatus, ...]:
        """Every layer after a refund, as far as this process knows."""
        now = time.monotonic()
        passed, self._moment = now - self._moment, now
        self._levels = [
            min(bucket.capacity, level + amount + passed * bucket.refill)
            for level, (bucket, amount) in zip(self._levels, refund, strict=True)
        ]
        return _statuses(self._layers, self._levels)


class Budgets:
    """The budgets of all payers. ``shared`` has the buckets; ``own`` replaces it while it is unavailable."""

    def __init__(
        self, limits: Limits, shared: BucketStore, own: BucketStore, overrides: OverrideSource | None = None
    ) -> None:
        self._layers = Layers(limits)
        self._shared = shared
        self._own = own
        self._overrides = overrides
        self.counters = BudgetCounters()

    async def reserve(self, payer: Payer, points: int, ingest_bytes: int = 0, *, advance: int = 0) -> Reservation:
        """Take points, and bytes of a chunk, from all layers of the payer, or from none.

        Bytes without points concern only the layer ``ingest``; points without bytes concern all others. Costs are not
        negative. A cost above a layer's capacity is always refused: its ``retry_after`` is None. ``advance`` more
        points are taken as well if the budgets have them. Raises :class:`services.budgets.errors.RateLimited`.
        """
        layers = _concerned(await self._layers_of(payer), points, ingest_bytes)
        if advance:
            store, answer = await self._take(layers, _claim(layers, points + advance, ingest_bytes))
            if answer.granted:
                return Reservation(layers, answer.levels, store, points + advance, ingest_bytes)
        claim = _claim(layers, points, ingest_bytes)
        store, answer = await self._take(layers, claim)
        if not answer.granted:
            raise self._refusal(layers, claim, answer.levels)
        return Reservation(layers, answer.levels, store, points, ingest_bytes)

    async def _take(self, layers: Sequence[Layer], claim: Claim) -> tuple[BucketStore, ClaimResult]:
        try:
            return self._shared, await self._shared.take(claim)
        except BucketsUnavailable:
            self._count_away(layers)
            self._refuse_closed(layers)
            return self._own, await self._own.take(claim)
        except BucketsOverloaded:
            self.counters.overloaded += 1
            raise RateLimited(BUSY, layer="global", retry_after=PAUSE_SECONDS) from None

    def refund(self, reservation: Reservation, points: int, ingest_bytes: int = 0) -> tuple[LayerStatus, ...]:
        """Refund the unused part of a reservation. Returns every layer after that.

        Changes by other requests since the reservation are not included.
        """
        refund = reservation.deduct(points, ingest_bytes)
        if any(amount for _, amount in refund):
            reservation.store.refund(refund)
        return reservation.layers_after(refund)

    async def read_layers(self, payer: Payer) -> tuple[LayerStatus, ...]:
        """Every layer of the payer. Takes nothing, and never raises :class:`RateLimited`."""
        layers = await self._layers_of(payer)
        claim = _claim(layers, 0, 0)
        try:
            return _statuses(layers, (await self._shared.take(claim)).levels)
        except (BucketsUnavailable, BucketsOverloaded):
            levels = (await self._own.take(claim)).levels
            passing = [0.0 if layer.closed else level for layer, level in zip(layers, levels, strict=True)]
            return _statuses(layers, passing)

    async def _layers_of(self, payer: Payer) -> Sequence[Layer]:
        if self._overrides and payer.account_id:
            overrides = await self._overrides.limits_of(payer.account_id)
            if overrides:
                return self._layers.layers_of(payer, overrides)
        return self._layers.default_layers(payer)

    def _count_away(self, layers: Sequence[Layer]) -> None:
        self.counters.away.update((layer.name, "closed" if layer.closed else "open") for layer in layers)

    def _refuse_closed(self, layers: Sequence[Layer]) -> None:
        for layer in layers:
            if layer.closed:
                self.counters.refused[layer.name] += 1
                raise RateLimited(BUSY, layer=layer.name, retry_after=PAUSE_SECONDS)

    def _refusal(self, layers: Sequence[Layer], claim: Claim, levels: Sequence[float]) -> RateLimited:
        waits = [
            _seconds_until(cost, level, layer) for layer, (_, cost), level in zip(layers, claim, levels, strict=True)
        ]
        longest = waits.index(max(waits))
        self.counters.refused[layers[longest].name] += 1
        message = _message(layers[longest].status(levels[longest]), claim[longest][1], waits[longest])
        retry_after = None if waits[longest] == math.inf else waits[longest]
        return RateLimited(
            message, layer=layers[longest].name, retry_after=retry_after, layers=_statuses(layers, levels)
        )


def _concerned(layers: Sequence[Layer], points: int, ingest_bytes: int) -> list[Layer]:
    unconcerned = "bytes" if not ingest_bytes else None if points else "points"
    return [layer for layer in layers if layer.unit != unconcerned]


def _claim(layers: Sequence[Layer], points: int, ingest_bytes: int) -> Claim:
    return [(layer.bucket, points if layer.unit == "points" else ingest_bytes) for layer in layers]


def _statuses(layers: Sequence[Layer], levels: Sequence[float]) -> tuple[LayerStatus, ...]:
    return tuple([layer.status(level) for layer, level in zip(layers, levels, strict=True)])


def _seconds_until(cost: int, level: float, layer: Layer) -> float:
    """Seconds until the bucket holds the cost."""
    if level >= cost:
        return 0.0
    if cost > layer.bucket.capacity or not layer.bucket.refill:
        return math.inf
    return (cost - level) / layer.bucket.refill


def _message(status: LayerStatus, cost: int, wait: float) -> str:
    price = f"This takes {cost} {status.unit}, and"
    if wait == math.inf:
        return f"{price} the budget never holds more than {status.capacity}."
    return f"{price} {status.available} of {status.capacity} are left. Try again in {math.ceil(wait)} s."
