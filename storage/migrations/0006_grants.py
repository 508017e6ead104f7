from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.migrations import operations as ops
from uuid_utils.compat import uuid7

from storage.budgets.models import GrantKind


class Migration(migrations.Migration):
    dependencies = [("cloudkeep", "0005_held")]

    initial = False

    operations = [
        ops.CreateModel(
            name="Grant",
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
                (
                    "kind",
                    fields.CharEnumField(
                        description="POINTS: points\nINGEST: ingest\nSUBSCRIPTIONS: subscriptions",
                        enum_type=GrantKind,
                        max_length=16,
                    ),
                ),
                ("capacity", fields.BigIntField()),
                ("refill", fields.FloatField(null=True)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
                ("updated_at", fields.DatetimeField(auto_now=True, auto_now_add=False)),
            ],
            options={
                "table": "account_grant",
                "app": "cloudkeep",
                "unique_together": (("account", "kind"),),
                "pk_attr": "id",
                "table_description": "What an operator gave an account in place of the settings, at most one row of a kind.",
            },
            bases=["Model"],
        ),
    ]
