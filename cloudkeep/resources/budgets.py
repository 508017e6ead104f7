"""Opens the budgets of clients, and what limits their subscriptions."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from redis.asyncio import Redis

from cloudkeep.settings.settings import Settings
from services.budgets.budgets import Budgets, Limits
from services.budgets.limit_overrides import LimitOverrides
from services.budgets.subscription_leases import SubscriptionLeases, SubscriptionLimits
from storage.budgets.subscription_leases import SubscriptionLeaseStore
from storage.redis.breaker import breaker_of
from storage.token_buckets import LocalBuckets, RedisBuckets


@dataclass(frozen=True)
class ClientLimits:
    """The limits of what clients use. ``overrides`` are those of single accounts, for the others."""

    budgets: Budgets
    subscription_leases: SubscriptionLeases
    overrides: LimitOverrides


@asynccontextmanager
async def open_client_limits(settings: Settings, redis: Redis, redis_url: str) -> AsyncIterator[ClientLimits]:
    """The limits of clients in an API process. ``redis`` is connected to ``redis_url``."""
    async with AsyncExitStack() as stack:
        buckets = RedisBuckets(redis_url, settings.budget_timeout, breaker_of(redis))
        await buckets.start()
        stack.push_async_callback(buckets.close)
        overrides = LimitOverrides()
        limits = SubscriptionLimits(*settings.subscriptions)
        leases = SubscriptionLeases(SubscriptionLeaseStore(redis), overrides, limits)
        await leases.start()
        stack.push_async_callback(leases.close)
        budgets = Budgets(budget_limits(settings), buckets, LocalBuckets(), overrides)
        yield ClientLimits(budgets, leases, overrides)


def budget_limits(settings: Settings) -> Limits:
    """The limit of every layer of budgets."""
    return Limits(
        all=settings.budget_global,
        address=settings.budget_address,
        account=settings.budget_account,
        anonymous=settings.budget_anonymous,
        ingest=settings.budget_ingest,
        api_token=settings.budget_api_token,
    )
