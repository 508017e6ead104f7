from tortoise import fields, migrations
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [("cloudkeep", "0007_staging")]

    initial = False

    operations = [
        ops.AddField(
            model_name="Job",
            name="trace",
            field=fields.CharField(null=True, max_length=64),
        ),
    ]
