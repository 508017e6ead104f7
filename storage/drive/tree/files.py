"""The files of an account, whatever folders they are in."""

from uuid import UUID

from storage.database.connection import fetch
from storage.database.pages import Window
from storage.drive.models import Item
from storage.drive.tree import newest
from storage.drive.tree.newest import VISIBLE_FOLDERS

#: Files and folders that are counted: a hundredth of a second.
MOST_COUNTED = 10_000
#: The account is not needed for the result, but it keeps PostgreSQL from reading the whole table.
COUNT = """
SELECT (SELECT COUNT(*) FROM (SELECT 1 FROM folder LIMIT ?) AS folders), (SELECT COUNT(*) FROM (
    SELECT 1 FROM (SELECT id FROM folder LIMIT ?) AS above
    JOIN item ON item.parent_id = above.id AND item.kind = 'FILE' AND item.trashed_at IS NULL AND item.account_id = ?
    LIMIT ?
) AS files)"""


async def page(account_id: UUID, window: Window[UUID]) -> list[Item]:
    """A window of the files of an account outside the trash, the newest one first."""
    return await newest.page(account_id, "kind = 'FILE'", window)


async def count(account_id: UUID) -> int | None:
    """The number of an account's files outside the trash; None if they, or the folders, are more than 10,000."""
    limit = MOST_COUNTED + 1
    ((folders, files),) = await fetch(VISIBLE_FOLDERS + COUNT, account_id, limit, limit, account_id, limit)
    return None if max(folders, files) > MOST_COUNTED else int(files)
