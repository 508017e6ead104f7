from tortoise import migrations
from tortoise.indexes import Index
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [("cloudkeep", "0008_job_trace")]

    initial = False

    operations = [
        ops.AddIndex(
            model_name="File",
            index=Index(fields=["blob_id"]),
        ),
        ops.AddIndex(
            model_name="Job",
            index=Index(fields=["subject_id"]),
        ),
        ops.AddIndex(
            model_name="Registration",
            index=Index(fields=["expires_at"]),
        ),
        ops.AddIndex(
            model_name="Rendition",
            index=Index(fields=["blob_id"]),
        ),
        ops.AddIndex(
            model_name="Session",
            index=Index(fields=["expires_at"]),
        ),
    ]
