"""Stores several new rows at once."""

from collections.abc import Sequence
from typing import TypeVar

from tortoise.models import Model

RowType = TypeVar("RowType", bound=Model)

#: Values in one statement, far below the limits of both databases.
BATCH = 500


async def insert_rows(rows: Sequence[RowType]) -> None:
    """Store new rows of one table, which then refer to each other like saved ones."""
    if not rows:
        return
    await type(rows[0]).bulk_create(rows, batch_size=BATCH)
    for row in rows:
        # Tortoise sets this in save() only.
        row._saved_in_db = True
