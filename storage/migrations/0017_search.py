from typing import Any
from uuid import UUID

from tortoise import migrations
from tortoise.migrations import operations as ops

from storage.database.connection import execute_many, fetch
from storage.search.folding import fold
from storage.search.index import update_index

BATCH = 1_000
# The root of a drive has no parent. Keys are in the order of time.
ITEMS = "SELECT id, account_id, name FROM item WHERE parent_id IS NOT NULL AND id > ? ORDER BY id LIMIT ?"
ENTRY = "INSERT INTO search_entry (account_id, item_id, text) VALUES (?, ?, ?)"


async def fill(*_: Any) -> None:
    """Store the names of all items, and then make the index, which takes less time than to keep it up to date."""
    last: object = UUID(int=0)
    while items := await fetch(ITEMS, last, BATCH):
        await execute_many(ENTRY, [(account_id, item_id, fold(name)) for item_id, account_id, name in items])
        last = items[-1][0]
    await update_index()


class Migration(migrations.Migration):
    dependencies = [("cloudkeep", "0016_file_versions")]

    initial = False

    operations = [ops.RunPython(fill)]
