"""Which items are visible: neither they nor a folder above them are in the trash or being deleted."""

from collections.abc import Collection
from uuid import UUID

from storage.database.connection import fetch_ids
from storage.database.values import marks
from storage.drive.tree.listing import NO_FILTER, ItemFilter, conditions_of

# From the folders of the items up, as long as nothing is in the trash. UNION ends a cycle. The top of what is being
# deleted has no parent, so only the chains of visible folders end at the root. The walk ends behind a folder in the
# trash: a condition on it would let SQLite read the whole table, as in storage.drive.tree.chains.
VISIBLE = """
WITH RECURSIVE above (folder, id, parent) AS (
    SELECT id, id, parent_id FROM item
    WHERE id IN (SELECT parent_id FROM item WHERE id IN ({marks})) AND trashed_at IS NULL
    UNION
    SELECT above.folder, item.id, CASE WHEN item.trashed_at IS NULL THEN item.parent_id END
    FROM above JOIN item ON item.id = above.parent
)
SELECT id FROM item WHERE id IN ({marks}) AND parent_id IN (SELECT folder FROM above WHERE id = ?)
    AND trashed_at IS NULL {conditions}"""


async def visible_ids(account_id: UUID, item_ids: Collection[UUID], only: ItemFilter = NO_FILTER) -> set[UUID]:
    """Those of an account's items that are visible and meet the conditions. At most a few thousand at once."""
    if not item_ids or only.excludes_everything:
        return set()
    conditions = conditions_of(only)
    statement = VISIBLE.format(
        marks=marks(item_ids), conditions="".join(f" AND {condition.sql}" for condition in conditions)
    )
    values = [value for condition in conditions for value in condition.values]
    return set(await fetch_ids(statement, *item_ids, *item_ids, account_id, *values))
