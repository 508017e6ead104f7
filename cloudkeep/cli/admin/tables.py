"""Tables of text, which people read and scripts can split."""

from collections.abc import Sequence
from datetime import UTC, datetime

from rich.filesize import decimal

from cloudkeep.client.errors import printable
from storage.budgets.models import NO_LIMIT

NOTHING = "-"


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """The rows below a header, in columns that are two spaces apart."""
    lines = [header, *([printable(cell) for cell in row] for row in rows)]
    widths = [max(len(cell) for cell in column) for column in zip(*lines, strict=True)]
    return "".join(_line(cells, widths) for cells in lines)


def time_text(moment: datetime | None) -> str:
    """A time in UTC to the minute."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M}" if moment else NOTHING


def yes(value: object) -> str:
    """``yes`` or a dash."""
    return "yes" if value else NOTHING


def quota_text(quota: int | None) -> str:
    """A quota in bytes; None and ``NO_LIMIT`` are no limit."""
    return "none" if quota is None or quota == NO_LIMIT else decimal(quota)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = [f"{cell:<{width}}" for cell, width in zip(cells, widths, strict=True)]
    return "  ".join(padded).rstrip() + "\n"
