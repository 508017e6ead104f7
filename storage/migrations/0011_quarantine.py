from tortoise import fields, migrations
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [("cloudkeep", "0010_session_rotated")]

    initial = False

    operations = [
        ops.CreateModel(
            name="QuarantinedBlob",
            fields=[
                ("key", fields.CharField(primary_key=True, unique=True, db_index=True, max_length=200)),
                ("since", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "quarantined_blob",
                "app": "cloudkeep",
                "pk_attr": "key",
                "table_description": "A blob that no row needs, but that was published: it is kept for a while, because that may be an error.",
            },
            bases=["Model"],
        ),
    ]
