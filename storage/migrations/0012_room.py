from datetime import UTC, datetime, timedelta

from tortoise import fields, migrations
from tortoise.indexes import Index
from tortoise.migrations import operations as ops

# Failed uploads did not expire before. Their owners get a week to retry those that exist.
IN_A_WEEK = datetime.now(UTC).replace(microsecond=0) + timedelta(days=7)
KEEP_FAILED = f"""
UPDATE upload SET expires_at = '{IN_A_WEEK}'
WHERE status = 'FAILED' AND error_code <> 'CHECKSUM_MISMATCH'"""  # noqa: S608 - the only value is a time of ours


class Migration(migrations.Migration):
    dependencies = [("cloudkeep", "0011_quarantine")]

    initial = False

    operations = [
        ops.AddField(
            model_name="Registration",
            name="network",
            field=fields.CharField(null=True, max_length=64),
        ),
        ops.AddIndex(
            model_name="Registration",
            index=Index(fields=["network"]),
        ),
        ops.AddIndex(
            model_name="Session",
            index=Index(fields=["account_id", "expires_at"]),
        ),
        ops.AddField(
            model_name="Upload",
            name="known_bytes",
            field=fields.BigIntField(default=0, db_default=0),
        ),
        ops.AddIndex(
            model_name="Upload",
            index=Index(fields=["account_id", "status"]),
        ),
        ops.RunSQL(KEEP_FAILED, reverse_sql=ops.RunSQL.noop),
    ]
