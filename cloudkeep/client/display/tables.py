"""Tables of text, which people read and scripts can split."""

from collections.abc import Sequence
from datetime import UTC, datetime

from cloudkeep.client.errors import printable

NOTHING = "-"


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """The rows below a header, in columns that are two spaces apart."""
    lines = [header, *([printable(cell) for cell in row] for row in rows)]
    widths = [max(len(cell) for cell in column) for column in zip(*lines, strict=True)]
    return "".join(_line(cells, widths) for cells in lines)


def time_text(moment: datetime | str | None) -> str:
    """A time, or its form in ISO 8601, in UTC to the minute."""
    if isinstance(moment, str):
        moment = datetime.fromisoformat(moment)
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M}" if moment else NOTHING


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = [f"{cell:<{width}}" for cell, width in zip(cells, widths, strict=True)]
    return "  ".join(padded).rstrip() + "\n"
