from tortoise import fields, migrations
from tortoise.migrations import operations as ops

COUNT = """
UPDATE upload SET
    received_chunks = (SELECT COUNT(*) FROM chunk WHERE chunk.upload_id = upload.id),
    received_bytes = (SELECT COALESCE(SUM(size), 0) FROM chunk WHERE chunk.upload_id = upload.id)"""


class Migration(migrations.Migration):
    dependencies = [("cloudkeep", "0003_blob_digest")]

    initial = False

    operations = [
        ops.AddField(
            model_name="Chunk",
            name="xxh3",
            field=fields.CharField(null=True, max_length=32),
        ),
        ops.AddField(
            model_name="Upload",
            name="received_bytes",
            field=fields.BigIntField(default=0, db_default=0),
        ),
        ops.AddField(
            model_name="Upload",
            name="received_chunks",
            field=fields.IntField(default=0, db_default=0),
        ),
        ops.RunSQL(COUNT, reverse_sql=ops.RunSQL.noop),
    ]
