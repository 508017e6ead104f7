"""What operators have granted to accounts, known so well that a reservation need not ask the database for it.

An answer is kept for half a minute, and so is that there is none; a change by ``cloudkeep grant`` is therefore felt by
every process within that time. Whoever asks for what is not known waits for one query together with all others that do.
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
#: While the database does not answer, it is asked again after so long.
RETRY_SECONDS = 5.0
#: Accounts that are known at once. An entry has less than a kilobyte.
MOST = 10_000


@dataclass(frozen=True, slots=True)
class _Grants:
    """What one account was granted: limits by the name of their layer, if any, and a number of subscriptions."""

    limits: Mapping[str, Limit] | None = None
    subscriptions: int | None = None


NONE = _Grants()
LAYERS = {GrantKind.POINTS: "account", GrantKind.INGEST: "ingest"}


@dataclass(frozen=True, slots=True)
class _Known:
    grants: _Grants
    until: float


class LimitOverrides:
    """The grants as one process knows them. ``life`` is how long it believes an answer, in seconds."""

    def __init__(self, life: float = LIFE_SECONDS, most: int = MOST) -> None:
        self._life = life
        self._most = most
        self._known: dict[UUID, _Known] = {}
        self._waiting: dict[UUID, asyncio.Future[_Grants]] = {}
        self._asking: asyncio.Task[None] | None = None
        self._away = False

    async def limits_of(self, account_id: UUID) -> Mapping[str, Limit] | None:
        """See :class:`services.budgets.budget_layers.GrantedLimits`.

        Like everything here, it never raises: while the database is away, what was known last holds.
        """
        return (await self._grants_of(account_id)).limits

    async def subscriptions_of(self, account_id: UUID) -> int | None:
        """How many subscriptions the account was granted; None where the settings hold."""
        return (await self._grants_of(account_id)).subscriptions

    async def _grants_of(self, account_id: UUID) -> _Grants:
        known = self._known.get(account_id)
        if known and monotonic() < known.until:
            return known.grants
        waiting = self._waiting.get(account_id)
        if waiting is None:
            waiting = self._waiting[account_id] = asyncio.get_running_loop().create_future()
            if self._asking is None:
                self._asking = asyncio.create_task(self._ask_for_all())
        # Shielded, for others wait for the same answer.
        return await asyncio.shield(waiting)

    async def _ask_for_all(self) -> None:
        try:
            while wanted := list(islice(self._waiting, limit_overrides.BATCH)):
                await self._ask(wanted)
        finally:
            self._asking = None

    async def _ask(self, wanted: Sequence[UUID]) -> None:
        try:
            found = _by_account(await limit_overrides.of(wanted))
        except Exception as error:
            # Whatever it is: nobody may be refused for it.
            self._trouble(error)
            for account_id in wanted:
                self._answer(account_id, self._last_known(account_id), RETRY_SECONDS)
            return
        self._away = False
        for account_id in wanted:
            self._answer(account_id, found.get(account_id, NONE), self._life)

    def _trouble(self, error: Exception) -> None:
        if not self._away:
            logger.warning("grants cannot be read; accounts keep what is known: %s", in_one_line(error))
        self._away = True

    def _last_known(self, account_id: UUID) -> _Grants:
        known = self._known.get(account_id)
        return known.grants if known else NONE

    def _answer(self, account_id: UUID, found: _Grants, seconds: float) -> None:
        self._waiting.pop(account_id).set_result(found)
        # Put at the end, so that the first ones are those that were asked for longest ago.
        self._known.pop(account_id, None)
        self._known[account_id] = _Known(found, monotonic() + seconds)
        if len(self._known) > self._most:
            del self._known[next(iter(self._known))]


def _by_account(rows: Sequence[LimitOverride]) -> dict[UUID, _Grants]:
    found: dict[UUID, list[LimitOverride]] = {}
    for row in rows:
        found.setdefault(row.account_id, []).append(row)
    return {account_id: _grants(own) for account_id, own in found.items()}


def _grants(rows: Sequence[LimitOverride]) -> _Grants:
    limits = {LAYERS[row.kind]: Limit(row.capacity, row.refill or 0.0) for row in rows if row.kind in LAYERS}
    subscriptions = [row.capacity for row in rows if row.kind is GrantKind.SUBSCRIPTIONS]
    return _Grants(limits or None, subscriptions[0] if subscriptions else None)
