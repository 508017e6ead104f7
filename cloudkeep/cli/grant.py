"""What ``cloudkeep grant`` does: give an account a budget of its own, beside the server or without it.

A running server knows of a change within half a minute (:mod:`services.budgets.limit_overrides`).
"""

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field

from cloudkeep.resources.resources import connected_database
from cloudkeep.settings.parsers import capacity_and_refill
from cloudkeep.settings.settings import Settings
from services.core import validation
from services.core.clock import now
from services.core.errors import InvalidInput
from storage.accounts import accounts
from storage.accounts.models import Account
from storage.budgets import limit_overrides
from storage.budgets.models import Grant, GrantKind

#: What stands for "as in the settings".
DEFAULT = "default"
MOST_SUBSCRIPTIONS = 1_000_000

Amount = tuple[int, float | None]


class GrantRefused(Exception):
    """What was asked for makes no sense. ``str(error)`` is one line."""


@dataclass(frozen=True)
class Order:
    """What was asked for: for whom, and what becomes of each kind; None takes a grant away."""

    user_id: str | None = None
    changes: Mapping[GrantKind, Amount | None] = field(default_factory=dict)


def parse_order(
    user_id: str | None, points: str | None, ingest: str | None, subscriptions: str | None, *, remove: bool
) -> Order:
    """Read the command's arguments. Raises :class:`GrantRefused`."""
    changes: dict[GrantKind, Amount | None] = {}
    if points is not None:
        changes[GrantKind.POINTS] = _bucket("--points", points)
    if ingest is not None:
        changes[GrantKind.INGEST] = _bucket("--ingest", ingest)
    if subscriptions is not None:
        changes[GrantKind.SUBSCRIPTIONS] = _count("--subscriptions", subscriptions)
    if remove and changes:
        raise GrantRefused("--remove takes away everything that was granted, and goes with no other option")
    if remove:
        changes = dict.fromkeys(GrantKind)
    if changes and user_id is None:
        raise GrantRefused("whose budget? Name a user ID")
    return Order(user_id, changes)


async def grant(settings: Settings, order: Order) -> int:
    """Carry the order out, and print what is granted then. Raises :class:`GrantRefused` when nobody has the user ID."""
    async with connected_database(settings):
        account = None if order.user_id is None else await _account(order.user_id)
        if account:
            await _change(account, order.changes)
        rows = await limit_overrides.every(account.id if account else None)
    for row in rows:
        sys.stdout.write(f"{_line(row)}\n")
    if not rows:
        sys.stdout.write(f"{account.user_id if account else 'Everybody'} has the budget of the settings.\n")
    return 0


async def _account(user_id: str) -> Account:
    try:
        account = await accounts.find_by_user_id(validation.user_id(user_id))
    except InvalidInput:
        account = None
    if account is None:
        raise GrantRefused(f"nobody has the user ID {user_id!r}")
    return account


async def _change(account: Account, changes: Mapping[GrantKind, Amount | None]) -> None:
    for kind, amount in changes.items():
        if amount:
            await limit_overrides.put(account.id, kind, *amount, now())
    await limit_overrides.remove(account.id, [kind for kind, amount in changes.items() if amount is None])


def _bucket(option: str, text: str) -> Amount | None:
    if text == DEFAULT:
        return None
    found = capacity_and_refill(text)
    if not found:
        raise GrantRefused(
            f"{option} must be CAPACITY/REFILL, as in 20000/1000 (the refill is per second), or {DEFAULT}, not {text!r}"
        )
    return found


def _count(option: str, text: str) -> Amount | None:
    if text == DEFAULT:
        return None
    count = int(text) if re.fullmatch(r"\d{1,7}", text, re.ASCII) else -1
    if not 0 <= count <= MOST_SUBSCRIPTIONS:
        raise GrantRefused(f"{option} must be between 0 and {MOST_SUBSCRIPTIONS}, or {DEFAULT}, not {text!r}")
    return count, None


def _line(row: Grant) -> str:
    amount = row.capacity if row.refill is None else f"{row.capacity}/{row.refill:.15g}"
    return f"{row.account.user_id}: {row.kind.value} {amount}, since {row.updated_at:%Y-%m-%d %H:%M} UTC"
