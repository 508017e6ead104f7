from tortoise import fields, migrations
from tortoise.indexes import Index
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [("cloudkeep", "0004_received")]

    initial = False

    operations = [
        ops.AddField(
            model_name="Chunk",
            name="source",
            field=fields.CharField(null=True, max_length=200),
        ),
        ops.AddField(
            model_name="Chunk",
            name="source_offset",
            field=fields.BigIntField(null=True),
        ),
        ops.AddIndex(
            model_name="Chunk",
            index=Index(fields=["sha256"]),
        ),
    ]
