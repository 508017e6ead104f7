import functools
from json import dumps, loads

from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.indexes import Index
from tortoise.migrations import operations as ops
from uuid_utils.compat import uuid7


class Migration(migrations.Migration):
    dependencies = [("cloudkeep", "0013_accounts")]

    initial = False

    operations = [
        ops.CreateModel(
            name="OutboxMail",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True)),
                (
                    "account",
                    fields.ForeignKeyField(
                        "cloudkeep.Account",
                        source_field="account_id",
                        null=True,
                        db_constraint=True,
                        to_field="id",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("recipient", fields.CharField(max_length=254)),
                ("kind", fields.CharField(max_length=32)),
                ("locale", fields.CharField(null=True, max_length=35)),
                ("params", fields.JSONField(encoder=functools.partial(dumps, separators=(",", ":")), decoder=loads)),
                ("key_id", fields.CharField(null=True, max_length=32)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("sent_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "outbox_mail",
                "app": "cloudkeep",
                "indexes": [Index(fields=["account_id"]), Index(fields=["created_at"]), Index(fields=["sent_at"])],
                "pk_attr": "id",
                "table_description": "A mail that a worker sends, or has sent a moment ago. It has no secrets, and its ID is its Message-ID.",
            },
            bases=["Model"],
        ),
    ]
