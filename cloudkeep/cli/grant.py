"""``cloudkeep grant``: gives an account limits of its own, whether the server is running or not.

A running server applies a change within half a minute (:mod:`services.budgets.limit_overrides`).
"""

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field

from cloudkeep.resources.resources import connected_database
from cloudkeep.settings.parsers import bytes_and_refill, capacity_and_refill
from cloudkeep.settings.settings import Settings
from services.core import validation
from services.core.clock import now
from services.core.errors import InvalidInput
from storage.accounts import accounts
from storage.accounts.models import Account
from storage.budgets import limit_overrides
from storage.budgets.models import Grant, GrantKind

#: Means the limit of the settings.
DEFAULT = "default"
MAX_SUBSCRIPTIONS = 1_000_000

Amount = tuple[int, float | None]


class GrantRefused(Exception):
    """The arguments cannot be used. ``str(error)`` is one line."""


@dataclass(frozen=True)
class GrantChanges:
    """The new amount of each kind for a user; None removes a grant."""

    user_id: str | None = None
    amounts: Mapping[GrantKind, Amount | None] = field(default_factory=dict)


def parse_changes(
    user_id: str | None, points: str | None, ingest: str | None, subscriptions: str | None, *, remove: bool
) -> GrantChanges:
    """Parse the arguments of the command. Raises :class:`GrantRefused`."""
    amounts: dict[GrantKind, Amount | None] = {}
    if points is not None:
        amounts[GrantKind.POINTS] = _bucket("--points", capacity_and_refill(points), points, "20000/1000")
    if ingest is not None:
        amounts[GrantKind.INGEST] = _bucket("--ingest", bytes_and_refill(ingest), ingest, "256GiB/1GiB")
    if subscriptions is not None:
        amounts[GrantKind.SUBSCRIPTIONS] = _count("--subscriptions", subscriptions)
    if remove and amounts:
        raise GrantRefused("--remove removes all grants, so it cannot be combined with another option")
    if remove:
        amounts = dict.fromkeys(GrantKind)
    if amounts and user_id is None:
        raise GrantRefused("these options need a user ID")
    return GrantChanges(user_id, amounts)


async def grant(settings: Settings, changes: GrantChanges) -> int:
    """Apply the changes and print all grants. Raises :class:`GrantRefused` for an unknown user ID."""
    async with connected_database(settings):
        account = None if changes.user_id is None else await _find_account(changes.user_id)
        if account:
            await _apply(account, changes.amounts)
        rows = await limit_overrides.find_all(account.id if account else None)
    for row in rows:
        sys.stdout.write(f"{_line(row)}\n")
    if not rows:
        sys.stdout.write(f"{account.user_id if account else 'Every account'} has the limits of the settings.\n")
    return 0


async def _find_account(user_id: str) -> Account:
    try:
        account = await accounts.find_by_user_id(validation.user_id(user_id))
    except InvalidInput:
        account = None
    if account is None:
        raise GrantRefused(f"there is no account with the user ID {user_id!r}")
    return account


async def _apply(account: Account, amounts: Mapping[GrantKind, Amount | None]) -> None:
    for kind, amount in amounts.items():
        if amount:
            await limit_overrides.save(account.id, kind, *amount, now())
    await limit_overrides.remove(account.id, [kind for kind, amount in amounts.items() if amount is None])


def _bucket(option: str, amount: Amount | None, text: str, example: str) -> Amount | None:
    if text == DEFAULT:
        return None
    if not amount:
        raise GrantRefused(
            f"{option} must be CAPACITY/REFILL, as in {example} (the refill is per second), or {DEFAULT}, not {text!r}"
        )
    return amount


def _count(option: str, text: str) -> Amount | None:
    if text == DEFAULT:
        return None
    count = int(text) if re.fullmatch(r"\d{1,7}", text, re.ASCII) else -1
    if not 0 <= count <= MAX_SUBSCRIPTIONS:
        raise GrantRefused(f"{option} must be between 0 and {MAX_SUBSCRIPTIONS}, or {DEFAULT}, not {text!r}")
    return count, None


def _line(row: Grant) -> str:
    amount = row.capacity if row.refill is None else f"{row.capacity}/{row.refill:.15g}"
    return f"{row.account.user_id}: {row.kind.value} {amount}, since {row.updated_at:%Y-%m-%d %H:%M} UTC"
