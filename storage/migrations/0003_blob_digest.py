from tortoise import migrations
from tortoise.indexes import Index
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [("cloudkeep", "0002_fingerprint")]

    initial = False

    operations = [
        ops.AddIndex(
            model_name="Blob",
            index=Index(fields=["sha256"]),
        ),
    ]
