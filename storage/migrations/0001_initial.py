from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.fields.data import JSON_DUMPS, JSON_LOADS
from tortoise.indexes import Index
from tortoise.migrations import operations as ops
from uuid_utils.compat import uuid7

from storage.drive.models import RenditionKind
from storage.jobs.models import JobKind, JobState
from storage.uploads.models import UploadStatus


class Migration(migrations.Migration):
    initial = True

    operations = [
        ops.CreateModel(
            name="Account",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True)),
                ("user_id", fields.CharField(unique=True, max_length=32)),
                ("name", fields.CharField(max_length=100)),
                ("email", fields.CharField(unique=True, max_length=254)),
                ("password_hash", fields.CharField(max_length=255)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
            ],
            options={
                "table": "account",
                "app": "cloudkeep",
                "pk_attr": "id",
                "table_description": "A person. ``user_id`` and ``email`` are stored normalised and are unique.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Blob",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True)),
                ("key", fields.CharField(unique=True, max_length=200)),
                ("size", fields.BigIntField()),
                ("sha256", fields.CharField(max_length=64)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
            ],
            options={
                "table": "blob",
                "app": "cloudkeep",
                "pk_attr": "id",
                "table_description": "Bytes in the blob store, verified before this row was written. Sizes in bytes, digests in lower-case hex.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="File",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True)),
                (
                    "account",
                    fields.ForeignKeyField(
                        "cloudkeep.Account",
                        source_field="account_id",
                        db_constraint=True,
                        to_field="id",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("name", fields.CharField(max_length=255)),
                ("mime_type", fields.CharField(max_length=127)),
                (
                    "blob",
                    fields.ForeignKeyField(
                        "cloudkeep.Blob",
                        source_field="blob_id",
                        db_constraint=True,
                        to_field="id",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("media", fields.JSONField(null=True, encoder=JSON_DUMPS, decoder=JSON_LOADS)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
            ],
            options={
                "table": "file",
                "app": "cloudkeep",
                "indexes": [Index(fields=["account_id", "id"])],
                "pk_attr": "id",
                "table_description": "What an owner sees: a name on a verified blob. ``media`` holds ``MediaFacts`` or nothing.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Job",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True)),
                (
                    "kind",
                    fields.CharEnumField(
                        description="REASSEMBLE: REASSEMBLE\nCOMPRESS: COMPRESS", enum_type=JobKind, max_length=32
                    ),
                ),
                ("subject_id", fields.UUIDField()),
                (
                    "state",
                    fields.CharEnumField(
                        default=JobState.QUEUED,
                        description="QUEUED: QUEUED\nRUNNING: RUNNING\nDONE: DONE\nFAILED: FAILED",
                        enum_type=JobState,
                        max_length=16,
                    ),
                ),
                ("attempts", fields.IntField(default=0)),
                ("run_after", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("lease_owner", fields.CharField(null=True, max_length=200)),
                ("lease_token", fields.UUIDField(null=True)),
                ("lease_until", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("progress", fields.JSONField(null=True, encoder=JSON_DUMPS, decoder=JSON_LOADS)),
                ("error_code", fields.CharField(null=True, max_length=64)),
                ("error_message", fields.CharField(null=True, max_length=500)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
            ],
            options={
                "table": "job",
                "app": "cloudkeep",
                "unique_together": (("kind", "subject_id"),),
                "indexes": [Index(fields=["state", "run_after"])],
                "pk_attr": "id",
                "table_description": "Work on a subject, at most one row of a kind. Whoever holds ``lease_token`` before ``lease_until`` runs it.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Registration",
            fields=[
                ("email", fields.CharField(primary_key=True, unique=True, db_index=True, max_length=254)),
                ("user_id", fields.CharField(max_length=32)),
                ("name", fields.CharField(max_length=100)),
                ("password_hash", fields.CharField(max_length=255)),
                ("otp_hash", fields.CharField(max_length=64)),
                ("attempts", fields.IntField(default=0)),
                ("expires_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "registration",
                "app": "cloudkeep",
                "pk_attr": "email",
                "table_description": "An account that waits for its OTP: one per address, the newest replaces the older.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Rendition",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True)),
                (
                    "file",
                    fields.ForeignKeyField(
                        "cloudkeep.File",
                        source_field="file_id",
                        db_constraint=True,
                        to_field="id",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "kind",
                    fields.CharEnumField(
                        description="COMPRESSED_VIDEO: COMPRESSED_VIDEO", enum_type=RenditionKind, max_length=32
                    ),
                ),
                ("mime_type", fields.CharField(max_length=127)),
                (
                    "blob",
                    fields.ForeignKeyField(
                        "cloudkeep.Blob",
                        source_field="blob_id",
                        db_constraint=True,
                        to_field="id",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
            ],
            options={
                "table": "rendition",
                "app": "cloudkeep",
                "unique_together": (("file", "kind"),),
                "pk_attr": "id",
                "table_description": "A file derived from another one, at most one of each kind.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Session",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True)),
                (
                    "account",
                    fields.ForeignKeyField(
                        "cloudkeep.Account",
                        source_field="account_id",
                        db_constraint=True,
                        to_field="id",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("refresh_hash", fields.CharField(max_length=64)),
                ("expires_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
            ],
            options={
                "table": "session",
                "app": "cloudkeep",
                "pk_attr": "id",
                "table_description": "A sign-in: a family of refresh tokens, of which only the newest is valid. Only its SHA-256 is stored.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Upload",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True)),
                (
                    "account",
                    fields.ForeignKeyField(
                        "cloudkeep.Account",
                        source_field="account_id",
                        db_constraint=True,
                        to_field="id",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("file_name", fields.CharField(max_length=255)),
                ("mime_type", fields.CharField(max_length=127)),
                ("size", fields.BigIntField()),
                ("chunk_size", fields.IntField()),
                ("sha256", fields.CharField(null=True, max_length=64)),
                ("compress", fields.JSONField(null=True, encoder=JSON_DUMPS, decoder=JSON_LOADS)),
                ("idempotency_key", fields.CharField(null=True, max_length=255)),
                (
                    "status",
                    fields.CharEnumField(
                        default=UploadStatus.RECEIVING,
                        description="RECEIVING: RECEIVING\nREASSEMBLING: REASSEMBLING\nCOMPRESSING: COMPRESSING\nREADY: READY\nFAILED: FAILED\nABORTED: ABORTED\nEXPIRED: EXPIRED",
                        enum_type=UploadStatus,
                        max_length=16,
                    ),
                ),
                ("error_code", fields.CharField(null=True, max_length=64)),
                ("error_message", fields.CharField(null=True, max_length=500)),
                (
                    "file",
                    fields.ForeignKeyField(
                        "cloudkeep.File",
                        source_field="file_id",
                        null=True,
                        db_constraint=True,
                        to_field="id",
                        on_delete=OnDelete.SET_NULL,
                    ),
                ),
                ("expires_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
            ],
            options={
                "table": "upload",
                "app": "cloudkeep",
                "unique_together": (("account", "idempotency_key"),),
                "indexes": [Index(fields=["account_id", "id"]), Index(fields=["status", "expires_at"])],
                "pk_attr": "id",
                "table_description": "A file on its way in. An idempotency key is given up when the upload dies without a file.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Chunk",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                (
                    "upload",
                    fields.ForeignKeyField(
                        "cloudkeep.Upload",
                        source_field="upload_id",
                        db_constraint=True,
                        to_field="id",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("index", fields.IntField()),
                ("size", fields.IntField()),
                ("sha256", fields.CharField(max_length=64)),
            ],
            options={
                "table": "chunk",
                "app": "cloudkeep",
                "unique_together": (("upload", "index"),),
                "pk_attr": "id",
                "table_description": "A receipt: slot ``index`` holds these bytes. Written once, deleted only to reopen the slot.",
            },
            bases=["Model"],
        ),
    ]
