"""Values as the tables of ``cloudkeep admin`` show them."""

from rich.filesize import decimal

from cloudkeep.client.display.tables import NOTHING
from storage.budgets.models import NO_LIMIT


def yes(value: object) -> str:
    """``yes`` or a dash."""
    return "yes" if value else NOTHING


def quota_text(quota: int | None) -> str:
    """A quota in bytes; None and ``NO_LIMIT`` are no limit."""
    return "none" if quota is None or quota == NO_LIMIT else decimal(quota)
