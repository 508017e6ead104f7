from tortoise import fields, migrations
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [("cloudkeep", "0006_grants")]

    initial = False

    operations = [
        ops.AddField(
            model_name="Chunk",
            name="etag",
            field=fields.CharField(null=True, max_length=200),
        ),
        ops.AddField(
            model_name="Upload",
            name="direct",
            field=fields.BooleanField(default=False, db_default=False),
        ),
        ops.AddField(
            model_name="Upload",
            name="staging",
            field=fields.TextField(null=True, unique=False),
        ),
    ]
