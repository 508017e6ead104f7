"""Files become items of a drive, and their rows become versions, with the same IDs."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.indexes import Index
from tortoise.migrations import operations as ops

from storage.database.connection import as_uuid
from storage.drive.file_kinds import file_kind
from storage.drive.names import folded, numbered, sort_key

BATCH = 1_000
ROOT_NAME = "My drive"
OWNERS = "SELECT DISTINCT account_id FROM file_version ORDER BY account_id"
FILES = """
SELECT file_version.id, name, mime_type, size, file_version.created_at
FROM file_version JOIN blob ON blob.id = file_version.blob_id
WHERE file_version.account_id = ? AND file_version.id > ? ORDER BY file_version.id LIMIT ?"""
ADD_ROOT = """
INSERT INTO item (id, account_id, kind, name, folded_name, sort_key, starred, created_at, updated_at)
VALUES (?, ?, 'FOLDER', ?, ?, ?, ?, ?, ?)"""
ADD_FILE = """
INSERT INTO item (id, account_id, parent_id, kind, name, folded_name, sort_key, size, file_kind, version_id, starred,
    created_at, updated_at)
VALUES (?, ?, ?, 'FILE', ?, ?, ?, ?, ?, ?, ?, ?, ?)"""
COUNT = (
    "UPDATE file_version SET item_id = id",
    """UPDATE blob SET account_id = COALESCE(
        (SELECT account_id FROM file_version WHERE blob_id = blob.id LIMIT 1),
        (SELECT file_version.account_id FROM rendition JOIN file_version ON file_version.id = rendition.version_id
         WHERE rendition.blob_id = blob.id LIMIT 1))""",
    # One pass over all blobs, which have no index by account.
    """UPDATE account SET original_bytes = sums.total FROM (
        SELECT account_id, SUM(size) AS total FROM blob WHERE id IN (SELECT blob_id FROM file_version)
        GROUP BY account_id
    ) AS sums WHERE sums.account_id = account.id""",
    """UPDATE account SET derived_bytes = sums.total FROM (
        SELECT account_id, SUM(size) AS total FROM blob WHERE id IN (SELECT blob_id FROM rendition)
        GROUP BY account_id
    ) AS sums WHERE sums.account_id = account.id""",
)
#: Types that the tables of Python gave to names: a translation or a 3D model for videos of cameras, and that of the
#: content for a compressed file. Without media facts, a file is no video.
CORRECT = (
    """UPDATE file_version SET mime_type = 'video/mp2t' WHERE media IS NOT NULL
        AND (mime_type IN ('text/vnd.trolltech.linguist', 'model/vnd.mts')
             OR (mime_type = 'application/octet-stream' AND lower(name) LIKE '%.m2ts'))""",
    """UPDATE file_version SET mime_type = 'application/gzip' WHERE media IS NULL
        AND (lower(name) LIKE '%.gz' OR lower(name) LIKE '%.tgz' OR lower(name) LIKE '%.svgz')""",
    "UPDATE file_version SET mime_type = 'application/x-xz' WHERE media IS NULL AND lower(name) LIKE '%.xz'",
    "UPDATE file_version SET mime_type = 'application/x-bzip2' WHERE media IS NULL AND lower(name) LIKE '%.bz2'",
)
FIRST = "00000000-0000-0000-0000-000000000000"


async def fill(_: Any, editor: Any) -> None:
    """Store an item for each file, in the root of its owner's drive, under a name that no other one has there."""
    client = editor.client
    for statement in CORRECT:
        await client.execute_query(statement)
    for (owner,) in await client.fetch(OWNERS, ()):
        await _fill_account(client, as_uuid(owner))
    for statement in COUNT:
        await client.execute_query(statement)


async def _fill_account(client: Any, owner: Any) -> None:
    now = datetime.now(UTC)
    root = (owner, owner, ROOT_NAME, folded(ROOT_NAME), sort_key(ROOT_NAME), False, now, now)
    await client.run_many(ADD_ROOT, [root])
    # The next number to try for each name, so that many files of one name take no more time than others.
    taken: dict[str, int] = {}
    async for files in _batches(client, owner):
        rows = []
        for key, name, mime_type, size, created_at in files:
            free, file_id = _free_name(name, taken), as_uuid(key)
            keys = (folded(free), sort_key(free), size, file_kind(mime_type).value, file_id, False)
            rows.append((file_id, owner, owner, free, *keys, created_at, created_at))
        await client.run_many(ADD_FILE, rows)


async def _batches(client: Any, owner: Any) -> AsyncIterator[Any]:
    last = as_uuid(FIRST)
    while files := await client.fetch(FILES, (owner, last, BATCH)):
        yield files
        last = as_uuid(files[-1][0])


def _free_name(name: str, taken: dict[str, int]) -> str:
    number, free = taken.get(folded(name), 1), name
    while number > 1 or folded(free) in taken:
        number = max(number, 2)
        free = numbered(name, number)
        number += 1
        if folded(free) not in taken:
            break
    taken[folded(name)] = max(number, 2)
    taken.setdefault(folded(free), 2)
    return free


class RenameModelAndTable(ops.RenameModel):
    """Rename a model, and its table to a name that Tortoise would not derive."""

    def __init__(self, old_name: str, new_name: str, table: str) -> None:
        super().__init__(old_name, new_name)
        self.table = table

    def state_forward(self, app_label: str, state: Any) -> None:
        super().state_forward(app_label, state)
        model = state.models[app_label, self.new_name]
        model.table = model.options["table"] = self.table
        state.reload_model(app_label, self.new_name)


class RenameRelation(ops.RenameField):
    """Rename a foreign key and its column, also where a unique constraint names it."""

    def state_forward(self, app_label: str, state: Any) -> None:
        model = self.get_model_state(state, app_label, self.model_name)
        field = model.fields[self.old_name]
        field.source_field = f"{self.new_name}_id"
        unique = model.options.get("unique_together", ())
        renamed = tuple(tuple(self.new_name if name == self.old_name else name for name in names) for names in unique)
        if renamed:
            model.options["unique_together"] = renamed
        super().state_forward(app_label, state)


class DropColumn(ops.RemoveField):
    """Remove a column that nothing refers to, without a copy of the table, to which other tables refer."""

    async def database_forward(self, app_label: str, old_state: Any, new_state: Any, state_editor: Any = None) -> None:
        if state_editor:
            table = new_state.apps.get_model(f"{app_label}.{self.model_name}")._meta.db_table
            await state_editor._run_sql(f'ALTER TABLE "{table}" DROP COLUMN "{self.name}"')


class Migration(migrations.Migration):
    dependencies = [("cloudkeep", "0015_drive")]

    initial = False

    operations = [
        RenameModelAndTable("File", "FileVersion", "file_version"),
        RenameRelation("Rendition", "file", "version"),
        RenameRelation("Upload", "file", "version"),
        ops.AddField(
            model_name="FileVersion",
            name="item",
            field=fields.ForeignKeyField(
                "cloudkeep.Item",
                source_field="item_id",
                null=True,
                db_constraint=True,
                to_field="id",
                on_delete=OnDelete.RESTRICT,
            ),
        ),
        ops.AddField(
            model_name="FileVersion",
            name="number",
            field=fields.IntField(default=1, db_default=1),
        ),
        ops.AlterModelOptions(
            name="FileVersion",
            options={
                "table": "file_version",
                "app": "cloudkeep",
                "indexes": [Index(fields=["account_id", "id"]), Index(fields=["blob_id"])],
                "pk_attr": "id",
                "table_description": "The content of a file at one time: a verified blob and what is known about it.",
            },
        ),
        ops.AlterModelOptions(
            name="Rendition",
            options={
                "table": "rendition",
                "app": "cloudkeep",
                "unique_together": (("version", "kind"),),
                "indexes": [Index(fields=["blob_id"])],
                "pk_attr": "id",
                "table_description": "A file derived from a version, at most one of each kind.",
            },
        ),
        ops.RunPython(fill, ops.RunPython.noop),
        DropColumn(model_name="FileVersion", name="name"),
        ops.RunSQL("CREATE UNIQUE INDEX version_number ON file_version (item_id, number)", reverse_sql=ops.RunSQL.noop),
    ]
