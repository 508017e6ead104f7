"""The limits that operators granted to accounts, cached so that a reservation need not read the database.

An entry is cached for half a minute, also for an account without overrides, so a change by ``cloudkeep grant`` reaches
every process within that time. Accounts that are not in the cache are read together in one query.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from time import monotonic
from uuid import UUID

from services.budgets.limits import Limit
from storage.budgets import limit_overrides
from storage.budgets.limit_overrides import LimitOverride
from storage.budgets.models import GrantKind
from storage.errors import in_one_line

logger = logging.getLogger("cloudkeep.grants")

LIFE_SECONDS = 30.0
#: Seconds until the next query after a failure.
RETRY_SECONDS = 5.0
#: Accounts in the cache. An entry takes less than a kilobyte.
MAX_ENTRIES = 10_000


@dataclass(frozen=True, slots=True)
class _Overrides:
    """The overrides of one account: limits by the name of their layer, if any, and a number of subscriptions."""

    limits: Mapping[str, Limit] | None = None
    subscriptions: int | None = None


NONE = _Overrides()
LAYERS = {GrantKind.POINTS: "account", GrantKind.INGEST: "ingest"}


@dataclass(frozen=True, slots=True)
class _Entry:
    overrides: _Overrides
    expires_at: float


class LimitOverrides:
    """The cache of one process. ``life`` is how long an entry is valid, in seconds."""

    def __init__(self, life: float = LIFE_SECONDS, max_entries: int = MAX_ENTRIES) -> None:
        self._life = life
        self._max_entries = max_entries
        self._entries: dict[UUID, _Entry] = {}
        self._waiting: dict[UUID, asyncio.Future[_Overrides]] = {}
        self._query: asyncio.Task[None] | None = None
        self._away = False

    async def limits_of(self, account_id: UUID) -> Mapping[str, Limit] | None:
        """See :class:`services.budgets.budget_layers.OverrideSource`.

        Like all methods here, it never raises: while the database is away, the last known overrides apply.
        """
        return (await self._overrides_of(account_id)).limits

    async def subscriptions_of(self, account_id: UUID) -> int | None:
        """The subscriptions that the account may have open; None if the settings apply."""
        return (await self._overrides_of(account_id)).subscriptions

    async def _overrides_of(self, account_id: UUID) -> _Overrides:
        entry = self._entries.get(account_id)
        if entry and monotonic() < entry.expires_at:
            return entry.overrides
        waiting = self._waiting.get(account_id)
        if waiting is None:
            waiting = self._waiting[account_id] = asyncio.get_running_loop().create_future()
            if self._query is None:
                self._query = asyncio.create_task(self._read_waiting())
        # Shielded, because other callers wait for the same result.
        return await asyncio.shield(waiting)

    async def _read_waiting(self) -> None:
        try:
            while account_ids := list(islice(self._waiting, limit_overrides.BATCH)):
                await self._read(account_ids)
        finally:
            self._query = None

    async def _read(self, account_ids: Sequence[UUID]) -> None:
        try:
            overrides = _by_account(await limit_overrides.find_many(account_ids))
        except Exception as error:
            # Any error is caught: no request may be refused because of it.
            self._log_failure(error)
            for account_id in account_ids:
                self._resolve(account_id, self._last_known(account_id), RETRY_SECONDS)
            return
        self._away = False
        for account_id in account_ids:
            self._resolve(account_id, overrides.get(account_id, NONE), self._life)

    def _log_failure(self, error: Exception) -> None:
        if not self._away:
            logger.warning("grants cannot be read, using the cached ones: %s", in_one_line(error))
        self._away = True

    def _last_known(self, account_id: UUID) -> _Overrides:
        entry = self._entries.get(account_id)
        return entry.overrides if entry else NONE

    def _resolve(self, account_id: UUID, overrides: _Overrides, seconds: float) -> None:
        self._waiting.pop(account_id).set_result(overrides)
        # Inserted at the end, so that the first entries are the oldest ones.
        self._entries.pop(account_id, None)
        self._entries[account_id] = _Entry(overrides, monotonic() + seconds)
        if len(self._entries) > self._max_entries:
            del self._entries[next(iter(self._entries))]


def _by_account(rows: Sequence[LimitOverride]) -> dict[UUID, _Overrides]:
    grouped: dict[UUID, list[LimitOverride]] = {}
    for row in rows:
        grouped.setdefault(row.account_id, []).append(row)
    return {account_id: _overrides(own) for account_id, own in grouped.items()}


def _overrides(rows: Sequence[LimitOverride]) -> _Overrides:
    limits = {LAYERS[row.kind]: Limit(row.capacity, row.refill or 0.0) for row in rows if row.kind in LAYERS}
    subscriptions = [row.capacity for row in rows if row.kind is GrantKind.SUBSCRIPTIONS]
    return _Overrides(limits or None, subscriptions[0] if subscriptions else None)
