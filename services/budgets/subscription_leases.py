"""How many subscriptions each account has open, over all processes and hosts; by address for who is not signed in.

A subscription costs something for as long as it is open, so that a price at its beginning cannot bound what many of
them take. A seat lasts as long as the subscription, however that ends; those of a process that was killed are free
when their leases end. While Redis is away, each process counts its own.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from secrets import token_hex
from time import monotonic

from services.budgets.budget_layers import network_of
from services.budgets.errors import TooManySubscriptions
from services.budgets.limit_overrides import LimitOverrides
from services.budgets.limits import Payer
from storage.budgets.subscription_leases import SubscriptionLeaseStore
from storage.errors import in_one_line
from storage.redis.connection import RedisUnavailable

logger = logging.getLogger("cloudkeep.seats")

#: A third of a lease: two renewals may fail.
RENEW_SECONDS = 20.0
RETRY_SECONDS = 2.0
#: For giving back what is left when the process ends.
LEAVE_SECONDS = 1.0


@dataclass(frozen=True)
class Caps:
    """Subscriptions that may be open at once: of one account, and of one address where nobody is signed in."""

    account: int = 100
    address: int = 20


class SubscriptionLeases:
    """The seats that one process has taken. ``start`` before the first one, ``close`` at the end."""

    def __init__(self, leases: SubscriptionLeaseStore, grants: LimitOverrides, caps: Caps) -> None:
        self._leases = leases
        self._grants = grants
        self._caps = caps
        self._held: dict[str, set[str]] = {}
        # Given back, but Redis does not know yet.
        self._left: dict[str, set[str]] = {}
        self._wake = asyncio.Event()
        self._away = False
        self._renew_at = 0.0
        self._keeper: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to renew what is taken."""
        self._renew_at = monotonic() + RENEW_SECONDS
        self._keeper = asyncio.create_task(self._keep_for_ever(), name="seat-keeper")

    async def close(self) -> None:
        """Stop renewing, and give back everything."""
        if self._keeper:
            self._keeper.cancel()
            await asyncio.wait({self._keeper})
        for owner, seats in list(self._held.items()):
            self._leave(owner, *seats)
        with suppress(*RedisUnavailable):
            async with asyncio.timeout(LEAVE_SECONDS):
                await self._leases.leave(self._left)

    @property
    def held(self) -> int:
        """How many seats this process has taken."""
        return sum(map(len, self._held.values()))

    @asynccontextmanager
    async def take(self, payer: Payer) -> AsyncIterator[None]:
        """Hold a seat of the payer's for the block. Raises :class:`TooManySubscriptions` when all are taken."""
        owner, cap = await self._terms(payer)
        seat = token_hex(8)
        if not await self._take(owner, seat, cap):
            raise TooManySubscriptions(f"At most {cap} subscriptions may be open at once. Close one first.")
        self._held.setdefault(owner, set()).add(seat)
        try:
            yield
        finally:
            self._leave(owner, seat)

    async def _terms(self, payer: Payer) -> tuple[str, int]:
        if payer.account_id is None:
            return f"address:{network_of(payer.address)}", self._caps.address
        granted = await self._grants.subscriptions_of(payer.account_id)
        return f"account:{payer.account_id}", self._caps.account if granted is None else granted

    async def _take(self, owner: str, seat: str, cap: int) -> bool:
        if not self._away:
            # Told along, for one that was just given back is free for the next one.
            left = tuple(self._left.get(owner, ()))
            try:
                taken = await self._leases.take(owner, seat, cap, left)
            except RedisUnavailable as error:
                self._lost(error)
            except asyncio.CancelledError:
                self._leave(owner, seat)
                raise
            else:
                self._forget(owner, left)
                return taken
        return len(self._held.get(owner, ())) < cap

    def _leave(self, owner: str, *seats: str) -> None:
        """Give seats back, without waiting for anything: this also runs when a subscription is cancelled."""
        held = self._held.get(owner, set())
        held.difference_update(seats)
        if not held:
            self._held.pop(owner, None)
        if not self._away:
            self._left.setdefault(owner, set()).update(seats)
            self._wake.set()

    def _forget(self, owner: str, left: Iterable[str]) -> None:
        waiting = self._left.get(owner, set())
        waiting.difference_update(left)
        if not waiting:
            self._left.pop(owner, None)

    async def _keep_for_ever(self) -> None:
        while True:
            await self._wait()
            try:
                await self._keep()
            except RedisUnavailable as error:
                self._lost(error)

    async def _wait(self) -> None:
        if self._away:
            await asyncio.sleep(RETRY_SECONDS)
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, self._renew_at - monotonic())):
                await self._wake.wait()

    async def _keep(self) -> None:
        """Tell Redis who left, and who is still there when that is due."""
        self._wake.clear()
        left = {owner: tuple(seats) for owner, seats in self._left.items()}
        await self._leases.leave(left)
        for owner, seats in left.items():
            self._forget(owner, seats)
        if self._away or monotonic() >= self._renew_at:
            await self._renew()
        if self._away:
            self._away = False
            logger.warning("subscriptions are counted over all processes again")

    async def _renew(self) -> None:
        # With nothing to renew, this still tells whether Redis is back.
        await self._leases.ping()
        held = {owner: tuple(seats) for owner, seats in self._held.items()}
        await self._leases.hold(held)
        self._renew_at = monotonic() + RENEW_SECONDS
        for owner, seats in held.items():
            # Whoever left meanwhile may have been told of before it was renewed.
            gone = set(seats) - self._held.get(owner, set())
            if gone:
                self._leave(owner, *gone)

    def _lost(self, error: BaseException) -> None:
        if not self._away:
            logger.warning("subscriptions are counted by process until Redis is back: %s", in_one_line(error))
        self._away = True
        self._wake.set()
        # Their leases end by themselves; to remember them all would take room for as long as Redis is away.
        self._left.clear()
