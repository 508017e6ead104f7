"""The folders and files of an account that have a star, whatever folders they are in."""

from uuid import UUID

from storage.database.connection import fetch_ids
from storage.database.pages import Window
from storage.drive.models import Item
from storage.drive.tree import newest
from storage.drive.tree.visible import visible_ids

#: Items with a star that are counted: a tenth of a second.
MOST_COUNTED = 10_000
#: Items whose folders one statement reads.
BATCH = 1_000
STARRED = "SELECT id FROM item WHERE account_id = ? AND trashed_at IS NULL AND starred LIMIT ?"


async def page(account_id: UUID, window: Window[UUID]) -> list[Item]:
    """A window of the items of an account that have a star and are not in the trash, the newest one first."""
    return await newest.page(account_id, "starred", window)


async def count(account_id: UUID) -> int | None:
    """The number of such items; None if more than 10,000 have a star, also below folders in the trash."""
    found = await fetch_ids(STARRED, account_id, MOST_COUNTED + 1)
    if len(found) > MOST_COUNTED:
        return None
    return sum([len(await visible_ids(account_id, found[at : at + BATCH])) for at in range(0, len(found), BATCH)])
