from tortoise import fields, migrations
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [("cloudkeep", "0019_upload_folders")]

    initial = False

    operations = [
        ops.AddField(
            model_name="FileVersion",
            name="replaced_at",
            field=fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
        ),
    ]
