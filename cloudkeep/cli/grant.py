"""``cloudkeep grant``: gives an account limits of its own, whether the server is running or not.

A running server applies a change within half a minute (:mod:`services.budgets.limit_overrides`).
"""

import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from cloudkeep.cli.account_lookup import CommandRefused, find_account
from cloudkeep.resources.resources import connected_database
from cloudkeep.settings.parsers import bytes_and_refill, capacity_and_refill
from cloudkeep.settings.settings import Settings
from cloudkeep.settings.units import LARGEST_SIZE, format_size, parse_size
from services.core.clock import now
from storage.budgets import limit_overrides
from storage.budgets.limit_overrides import Amount
from storage.budgets.models import NO_LIMIT, Grant, GrantKind

#: Means the limit of the settings.
DEFAULT = "default"
#: Means no limit.
NONE = "none"
MAX_SUBSCRIPTIONS = 1_000_000


@dataclass(frozen=True)
class GrantChanges:
    """The new amount of each kind for a user; None removes a grant."""

    user_id: str | None = None
    amounts: Mapping[GrantKind, Amount | None] = field(default_factory=dict)


def parse_changes(user_id: str | None, options: Mapping[GrantKind, str | None], *, remove: bool) -> GrantChanges:
    """Parse the arguments of the command: a text for each kind that changes. Raises :class:`CommandRefused`."""
    problems: list[str] = []
    amounts: dict[GrantKind, Amount | None] = {}
    for kind, text in options.items():
        if text is not None:
            amounts[kind] = _parse(kind, text, problems)
    if remove and amounts:
        problems.append("--remove removes every grant and cannot be combined with other options")
    if user_id is None and (remove or amounts):
        problems.append("a user ID is required to change grants")
    if problems:
        raise CommandRefused("; ".join(problems))
    return GrantChanges(user_id, dict.fromkeys(GrantKind) if remove else amounts)


async def grant(settings: Settings, changes: GrantChanges) -> int:
    """Apply the changes and print all grants. Raises :class:`CommandRefused` for an unknown user ID."""
    async with connected_database(settings):
        account = None if changes.user_id is None else await find_account(changes.user_id)
        if account:
            await limit_overrides.change(account.id, changes.amounts, now())
        rows = await limit_overrides.find_all(account.id if account else None)
    for row in rows:
        sys.stdout.write(f"{_line(row)}\n")
    if not rows:
        sys.stdout.write(f"{account.user_id if account else 'Every account'} has the limits of the settings.\n")
    return 0


def _parse(kind: GrantKind, text: str, problems: list[str]) -> Amount | None:
    """The amount of an option; None for the default, and when it is wrong, with the reason in ``problems``."""
    if text == DEFAULT:
        return None
    parse, form = _FORMS[kind]
    amount = parse(text)
    if amount is None:
        problems.append(f"--{kind.value} must be {form}, or {DEFAULT}, not {text!r}")
    return amount


def _count(text: str) -> Amount | None:
    count = int(text) if re.fullmatch(r"\d{1,7}", text, re.ASCII) else -1
    return (count, None) if 0 <= count <= MAX_SUBSCRIPTIONS else None


def _quota(text: str) -> Amount | None:
    if text == NONE:
        return NO_LIMIT, None
    size = parse_size(text)
    return (size, None) if size is not None and 1 <= size <= LARGEST_SIZE else None


def _line(row: Grant) -> str:
    return f"{row.account.user_id}: {row.kind.value} {_amount(row)}, since {row.updated_at:%Y-%m-%d %H:%M} UTC"


def _amount(row: Grant) -> str:
    if row.kind is GrantKind.QUOTA:
        return NONE if row.capacity == NO_LIMIT else format_size(row.capacity)
    return str(row.capacity) if row.refill is None else f"{row.capacity}/{row.refill:.15g}"


_FORMS: Mapping[GrantKind, tuple[Callable[[str], Amount | None], str]] = {
    GrantKind.POINTS: (capacity_and_refill, "CAPACITY/REFILL, as in 20000/1000 (the refill is per second)"),
    GrantKind.INGEST: (bytes_and_refill, "CAPACITY/REFILL, as in 256GiB/1GiB (the refill is per second)"),
    GrantKind.SUBSCRIPTIONS: (_count, f"between 0 and {MAX_SUBSCRIPTIONS}"),
    GrantKind.QUOTA: (_quota, f"a size up to {format_size(LARGEST_SIZE)}, as in 200GiB, {NONE} (no limit)"),
}
