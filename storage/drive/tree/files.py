"""The files of an account, whatever folders they are in."""

from uuid import UUID

from storage.database.connection import fetch, fetch_ids
from storage.database.pages import Window
from storage.drive.items import load_in_order
from storage.drive.models import Item
from storage.drive.tree.visible import visible_ids

#: Files that are read to find a page of visible ones. If there are not enough among them, the folders are read.
MOST_CANDIDATES = 500
#: Files and folders that are counted: a hundredth of a second.
MOST_COUNTED = 10_000
#: Files that are not in the trash themselves, by their IDs.
CANDIDATES = """
SELECT id FROM item WHERE account_id = ? AND kind = 'FILE' AND trashed_at IS NULL {conditions} ORDER BY id {direction}
LIMIT ?"""
#: The walk down passes each visible folder once, not once for every file in it.
VISIBLE_FOLDERS = """
WITH RECURSIVE folder (id) AS (
    SELECT id FROM item WHERE id = ?
    UNION
    SELECT item.id FROM folder JOIN item ON item.parent_id = folder.id
    WHERE item.kind = 'FOLDER' AND item.trashed_at IS NULL
)"""
BY_FOLDERS = """
SELECT id FROM item WHERE account_id = ? AND kind = 'FILE' AND trashed_at IS NULL {conditions}
    AND parent_id IN (SELECT id FROM folder) ORDER BY id {direction} LIMIT ?"""
#: The account is not needed for the result, but it keeps PostgreSQL from reading the whole table.
COUNT = """
SELECT (SELECT COUNT(*) FROM (SELECT 1 FROM folder LIMIT ?) AS folders), (SELECT COUNT(*) FROM (
    SELECT 1 FROM (SELECT id FROM folder LIMIT ?) AS above
    JOIN item ON item.parent_id = above.id AND item.kind = 'FILE' AND item.trashed_at IS NULL AND item.account_id = ?
    LIMIT ?
) AS files)"""


async def page(account_id: UUID, window: Window[UUID]) -> list[Item]:
    """A window of the files of an account outside the trash, the newest one first."""
    conditions = ""
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
    files = await load_in_order(found)
    return files[::-1] if window.backwards else files


async def count(account_id: UUID) -> int | None:
    """The number of an account's files outside the trash; None if they, or the folders, are more than 10,000."""
    limit = MOST_COUNTED + 1
    ((folders, files),) = await fetch(VISIBLE_FOLDERS + COUNT, account_id, limit, limit, account_id, limit)
    return None if max(folders, files) > MOST_COUNTED else int(files)
