"""Pages of an account's visible items that meet a condition, whatever folders they are in: the newest first."""

from uuid import UUID

from storage.database.connection import fetch_ids
from storage.database.pages import Window
from storage.drive.items import load_in_order
from storage.drive.models import Item
from storage.drive.tree.visible import visible_ids

#: Items that are read to find a page of visible ones. If there are not enough among them, the folders are read.
MOST_CANDIDATES = 500
#: Items that are not in the trash themselves, by their IDs.
CANDIDATES = """
SELECT id FROM item WHERE account_id = ? AND trashed_at IS NULL AND {conditions} ORDER BY id {direction} LIMIT ?"""
#: The walk down passes each visible folder once, not once for every item in it.
VISIBLE_FOLDERS = """
WITH RECURSIVE folder (id) AS (
    SELECT id FROM item WHERE id = ?
    UNION
    SELECT item.id FROM folder JOIN item ON item.parent_id = folder.id
    WHERE item.kind = 'FOLDER' AND item.trashed_at IS NULL
)"""
BY_FOLDERS = """
SELECT id FROM item WHERE account_id = ? AND trashed_at IS NULL AND {conditions}
    AND parent_id IN (SELECT id FROM folder) ORDER BY id {direction} LIMIT ?"""


async def page(account_id: UUID, condition: str, window: Window[UUID]) -> list[Item]:
    """A window of the visible items of an account that meet a condition in SQL, the newest one first."""
    conditions = condition
    values: list[UUID] = []
    for key, comparison in ((window.after, "<"), (window.before, ">")):
        if key:
            conditions, values = f"{conditions} AND id {comparison} ?", [*values, key]
    part = {"conditions": conditions, "direction": "ASC" if window.backwards else "DESC"}
    candidates = await fetch_ids(CANDIDATES.format(**part), account_id, *values, MOST_CANDIDATES)
    visible = await visible_ids(account_id, candidates)
    found = [key for key in candidates if key in visible][: window.limit]
    if len(found) < window.limit and len(candidates) == MOST_CANDIDATES:
        found = await fetch_ids(
            VISIBLE_FOLDERS + BY_FOLDERS.format(**part), account_id, account_id, *values, window.limit
        )
    items = await load_in_order(found)
    return items[::-1] if window.backwards else items
