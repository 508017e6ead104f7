from tortoise import fields, migrations
from tortoise.indexes import Index
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [("cloudkeep", "0017_search")]

    initial = False

    operations = [
        # By the account first: else SQLite would rather read all items of the account.
        ops.RunSQL("DROP INDEX item_removed", reverse_sql=ops.RunSQL.noop),
        ops.RunSQL(
            "CREATE INDEX item_removed ON item (account_id, removed_at) WHERE removed_at IS NOT NULL",
            reverse_sql=ops.RunSQL.noop,
        ),
        ops.CreateModel(
            name="ObsoleteRecord",
            fields=[
                ("key", fields.CharField(primary_key=True, unique=True, db_index=True, max_length=200)),
                ("since", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "obsolete_record",
                "app": "cloudkeep",
                "indexes": [Index(fields=["since"])],
                "pk_attr": "key",
                "table_description": "A record in the store, whose file was deleted and shared the bytes of another one.",
            },
            bases=["Model"],
        ),
        ops.AddIndex(
            model_name="Upload",
            index=Index(fields=["version_id"]),
        ),
    ]
