import functools
from json import dumps, loads

from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.indexes import Index
from tortoise.migrations import operations as ops
from uuid_utils.compat import uuid7

from storage.drive.models import FileKind, ItemKind

PARTIAL_INDEXES = (
    "CREATE UNIQUE INDEX item_name ON item (parent_id, folded_name) WHERE trashed_at IS NULL",
    "CREATE INDEX item_trash ON item (account_id, trashed_at, id) WHERE trashed_at IS NOT NULL",
    "CREATE INDEX item_removed ON item (removed_at) WHERE removed_at IS NOT NULL",
    "CREATE INDEX item_starred ON item (account_id, id) WHERE starred",
    "CREATE INDEX blob_released ON blob (released_at) WHERE released_at IS NOT NULL",
    "CREATE INDEX chunk_source ON chunk (source) WHERE source IS NOT NULL",
)


class Migration(migrations.Migration):
    dependencies = [("cloudkeep", "0014_outbox")]

    initial = False

    operations = [
        ops.CreateModel(
            name="Event",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True)),
                (
                    "account",
                    fields.ForeignKeyField(
                        "cloudkeep.Account",
                        source_field="account_id",
                        db_constraint=True,
                        to_field="id",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("seq", fields.BigIntField()),
                ("kind", fields.CharField(max_length=16)),
                ("item_id", fields.UUIDField()),
                ("facts", fields.JSONField(encoder=functools.partial(dumps, separators=(",", ":")), decoder=loads)),
                ("at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "event",
                "app": "cloudkeep",
                "unique_together": (("account", "seq"),),
                "indexes": [Index(fields=["at"])],
                "pk_attr": "id",
                "table_description": "A change in the drive of an account.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Item",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True)),
                (
                    "account",
                    fields.ForeignKeyField(
                        "cloudkeep.Account",
                        source_field="account_id",
                        db_constraint=True,
                        to_field="id",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "parent",
                    fields.ForeignKeyField(
                        "cloudkeep.Item",
                        source_field="parent_id",
                        null=True,
                        db_constraint=True,
                        to_field="id",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("kind", fields.CharEnumField(description="FOLDER or FILE", enum_type=ItemKind, max_length=16)),
                ("name", fields.CharField(max_length=255)),
                ("folded_name", fields.CharField(max_length=1024)),
                ("sort_key", fields.BinaryField()),
                ("size", fields.BigIntField(null=True)),
                (
                    "file_kind",
                    fields.CharEnumField(
                        null=True, description="The kind of the content", enum_type=FileKind, max_length=16
                    ),
                ),
                ("version_id", fields.UUIDField(null=True)),
                ("starred", fields.BooleanField(default=False)),
                ("trashed_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("removed_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("updated_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "item",
                "app": "cloudkeep",
                "indexes": [
                    Index(fields=["account_id", "id"]),
                    Index(fields=["parent_id", "kind", "id"]),
                    Index(fields=["parent_id", "kind", "size", "id"]),
                    Index(fields=["parent_id", "kind", "updated_at", "id"]),
                    Index(fields=["parent_id", "kind", "sort_key", "id"]),
                ],
                "pk_attr": "id",
                "table_description": "A folder or a file in the drive of an account.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="SearchEntry",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                (
                    "account",
                    fields.ForeignKeyField(
                        "cloudkeep.Account",
                        source_field="account_id",
                        db_constraint=True,
                        to_field="id",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("item_id", fields.UUIDField(unique=True)),
                ("text", fields.TextField(unique=False)),
            ],
            options={
                "table": "search_entry",
                "app": "cloudkeep",
                "indexes": [Index(fields=["account_id", "id"])],
                "pk_attr": "id",
                "table_description": "A text of an item, folded for comparison. A greater ``id`` is a newer item.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Zip",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True)),
                (
                    "account",
                    fields.ForeignKeyField(
                        "cloudkeep.Account",
                        source_field="account_id",
                        db_constraint=True,
                        to_field="id",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("name", fields.CharField(max_length=255)),
                ("size", fields.BigIntField()),
                ("etag", fields.CharField(max_length=64)),
                ("entries", fields.BinaryField()),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
                ("expires_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "zip",
                "app": "cloudkeep",
                "indexes": [Index(fields=["account_id", "id"]), Index(fields=["expires_at"])],
                "pk_attr": "id",
                "table_description": "A zip file that is made while it is downloaded. Its entries are fixed, so that a download can be resumed.",
            },
            bases=["Model"],
        ),
        ops.AddField(
            model_name="Account",
            name="change_seq",
            field=fields.BigIntField(default=0, db_default=0),
        ),
        ops.AddField(
            model_name="Account",
            name="derived_bytes",
            field=fields.BigIntField(default=0, db_default=0),
        ),
        ops.AddField(
            model_name="Account",
            name="original_bytes",
            field=fields.BigIntField(default=0, db_default=0),
        ),
        ops.AddField(
            model_name="Blob",
            name="account",
            field=fields.ForeignKeyField(
                "cloudkeep.Account",
                source_field="account_id",
                null=True,
                db_constraint=True,
                to_field="id",
                on_delete=OnDelete.RESTRICT,
            ),
        ),
        ops.AddField(
            model_name="Blob",
            name="crc32",
            field=fields.BigIntField(null=True),
        ),
        ops.AddField(
            model_name="Blob",
            name="is_deleting",
            field=fields.BooleanField(default=False, db_default=False),
        ),
        ops.AddField(
            model_name="Blob",
            name="released_at",
            field=fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
        ),
        ops.AddField(
            model_name="Upload",
            name="conflict",
            field=fields.CharField(default="KEEP_BOTH", db_default="KEEP_BOTH", max_length=16),
        ),
        ops.AddField(
            model_name="Upload",
            name="parent_id",
            field=fields.UUIDField(null=True),
        ),
        *(ops.RunSQL(index, reverse_sql=ops.RunSQL.noop) for index in PARTIAL_INDEXES),
    ]
