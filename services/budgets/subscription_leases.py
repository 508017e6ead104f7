"""Limits the open subscriptions of each account over all processes and hosts, and of each address without a sign-in.

A subscription uses resources while it is open, so a price at its start cannot bound what many of them use. A lease
lasts as long as its subscription; the leases of a killed process expire. While Redis is away, each process counts its
own.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from secrets import token_hex
from time import monotonic

from services.budgets.budget_layers import client_network
from services.budgets.errors import TooManySubscriptions
from services.budgets.frame_rates import FrameRate
from services.budgets.limit_overrides import LimitOverrides
from services.budgets.limits import Payer
from storage.budgets.subscription_leases import SubscriptionLeaseStore
from storage.errors import in_one_line
from storage.redis.connection import RedisUnavailable

logger = logging.getLogger("cloudkeep.seats")

#: A third of a lease: two renewals may fail.
RENEW_SECONDS = 20.0
RETRY_SECONDS = 2.0
#: Seconds for releasing the leases when the process ends.
RELEASE_SECONDS = 1.0


@dataclass(frozen=True)
class SubscriptionLimits:
    """Subscriptions that may be open at once: of one account, and of one address of anonymous clients."""

    account: int = 100
    address: int = 20


class SubscriptionLeases:
    """The leases of one process. ``start`` before the first one, ``close`` at the end."""

    def __init__(self, store: SubscriptionLeaseStore, overrides: LimitOverrides, limits: SubscriptionLimits) -> None:
        self._store = store
        self._overrides = overrides
        self._limits = limits
        self._held: dict[str, set[str]] = {}
        #: The rate of frames of every owner with a lease in this process.
        self._rates: dict[str, FrameRate] = {}
        #: Released in this process, but not yet in Redis.
        self._released: dict[str, set[str]] = {}
        self._wake = asyncio.Event()
        self._away = False
        self._renew_at = 0.0
        self._keeper: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start to renew the leases."""
        self._renew_at = monotonic() + RENEW_SECONDS
        self._keeper = asyncio.create_task(self._keep_for_ever(), name="subscription-leases")

    async def close(self) -> None:
        """Stop renewing, and release every lease."""
        if self._keeper:
            self._keeper.cancel()
            await asyncio.wait({self._keeper})
        for owner, leases in list(self._held.items()):
            self._release(owner, *leases)
        with suppress(*RedisUnavailable):
            async with asyncio.timeout(RELEASE_SECONDS):
                await self._store.release(self._released)

    @property
    def count(self) -> int:
        """The leases of this process."""
        return sum(map(len, self._held.values()))

    @asynccontextmanager
    async def acquire(self, payer: Payer) -> AsyncIterator[FrameRate]:
        """Hold a lease of the payer for the block, which gets the rate of all the payer's frames in this process.

        Raises :class:`TooManySubscriptions`.
        """
        owner, limit = await self._limit_of(payer)
        # A program with an API token leaves half of them to its owner.
        most = max(1, limit // 2) if payer.api_token_id else limit
        lease_id = token_hex(8)
        if not await self._acquire(owner, lease_id, most):
            raise TooManySubscriptions(f"At most {most} subscriptions may be open at the same time. Close one first.")
        self._held.setdefault(owner, set()).add(lease_id)
        rate = self._rates.setdefault(owner, FrameRate())
        rate.set_limit(limit)
        try:
            yield rate
        finally:
            self._release(owner, lease_id)

    async def _limit_of(self, payer: Payer) -> tuple[str, int]:
        if payer.account_id is None:
            return f"address:{client_network(payer.address)}", self._limits.address
        override = await self._overrides.subscriptions_of(payer.account_id)
        return f"account:{payer.account_id}", self._limits.account if override is None else override

    async def _acquire(self, owner: str, lease_id: str, limit: int) -> bool:
        if not self._away:
            # In the same call, because a lease that was just released may be needed for this one.
            released = tuple(self._released.get(owner, ()))
            try:
                acquired = await self._store.acquire(owner, lease_id, limit, released)
            except RedisUnavailable as error:
                self._lose_redis(error)
            except asyncio.CancelledError:
                self._release(owner, lease_id)
                raise
            else:
                self._forget(owner, released)
                return acquired
        return len(self._held.get(owner, ())) < limit

    def _release(self, owner: str, *leases: str) -> None:
        """Release leases without waiting, because this also runs when a subscription is cancelled."""
        own_leases = self._held.get(owner, set())
        own_leases.difference_update(leases)
        if not own_leases:
            self._held.pop(owner, None)
            self._rates.pop(owner, None)
        if not self._away:
            self._released.setdefault(owner, set()).update(leases)
            self._wake.set()

    def _forget(self, owner: str, released: Iterable[str]) -> None:
        waiting = self._released.get(owner, set())
        waiting.difference_update(released)
        if not waiting:
            self._released.pop(owner, None)

    async def _keep_for_ever(self) -> None:
        while True:
            await self._wait()
            try:
                await self._keep()
            except RedisUnavailable as error:
                self._lose_redis(error)

    async def _wait(self) -> None:
        if self._away:
            await asyncio.sleep(RETRY_SECONDS)
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, self._renew_at - monotonic())):
                await self._wake.wait()

    async def _keep(self) -> None:
        """Release leases in Redis, and renew the others when due."""
        self._wake.clear()
        released = {owner: tuple(leases) for owner, leases in self._released.items()}
        await self._store.release(released)
        for owner, leases in released.items():
            self._forget(owner, leases)
        if self._away or monotonic() >= self._renew_at:
            await self._renew()
        if self._away:
            self._away = False
            logger.warning("subscriptions are counted over all processes again")

    async def _renew(self) -> None:
        # Without leases to renew, this still shows whether Redis is back.
        await self._store.ping()
        leases_by_owner = {owner: tuple(leases) for owner, leases in self._held.items()}
        await self._store.renew(leases_by_owner)
        self._renew_at = monotonic() + RENEW_SECONDS
        for owner, leases in leases_by_owner.items():
            # A lease that was released meanwhile may have been renewed after its release.
            ended = set(leases) - self._held.get(owner, set())
            if ended:
                self._release(owner, *ended)

    def _lose_redis(self, error: BaseException) -> None:
        if not self._away:
            logger.warning("subscriptions are counted by process until Redis is back: %s", in_one_line(error))
        self._away = True
        self._wake.set()
        # Their leases expire by themselves; storing them would use memory while Redis is away.
        self._released.clear()
