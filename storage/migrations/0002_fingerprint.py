from tortoise import fields, migrations
from tortoise.indexes import Index
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [("cloudkeep", "0001_initial")]

    initial = False

    operations = [
        ops.AddField(
            model_name="Upload",
            name="fingerprint",
            field=fields.CharField(null=True, unique=True, max_length=64),
        ),
        ops.AddIndex(
            model_name="Upload",
            index=Index(fields=["account_id", "sha256"]),
        ),
    ]
