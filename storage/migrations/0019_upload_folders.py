from tortoise import migrations
from tortoise.indexes import Index
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [("cloudkeep", "0018_deletion")]

    initial = False

    operations = [
        ops.AddIndex(
            model_name="Upload",
            index=Index(fields=["account_id", "parent_id", "id"]),
        ),
    ]
