"""The table of jobs."""

from enum import StrEnum
from typing import Any

from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model
from uuid_utils.compat import uuid7


class JobKind(StrEnum):
    """The kind of work that a job does; :mod:`workers.registry` has a definition of each kind."""

    REASSEMBLE = "REASSEMBLE"
    COMPRESS = "COMPRESS"
    MAIL = "MAIL"
    DELETE_ITEMS = "DELETE_ITEMS"
    CHECKSUM = "CHECKSUM"


class JobState(StrEnum):
    """DONE and FAILED are final until the job is enqueued again."""

    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    DONE = "DONE"
    FAILED = "FAILED"


class Job(Model):
    """Work on a subject, at most one row of a kind. Whoever holds ``lease_token`` before ``lease_until`` runs it."""

    id = fields.UUIDField(primary_key=True, default=uuid7)
    # The description as it was released. Tortoise's own lists all kinds, so that a new kind would need a migration; and
    # that would rebuild SQLite's table without its unique index.
    kind = fields.CharEnumField(JobKind, max_length=32, description="REASSEMBLE: REASSEMBLE\nCOMPRESS: COMPRESS")
    subject_id = fields.UUIDField()
    state = fields.CharEnumField(JobState, max_length=16, default=JobState.QUEUED)
    attempts = fields.IntField(default=0)
    run_after = fields.DatetimeField()
    lease_owner = fields.CharField(max_length=200, null=True)
    lease_token = fields.UUIDField(null=True)
    lease_until = fields.DatetimeField(null=True)
    progress = fields.JSONField[dict[str, Any] | None](null=True)
    error_code = fields.CharField(max_length=64, null=True)
    error_message = fields.CharField(max_length=500, null=True)
    # Which request queued it: W3C traceparent.
    trace = fields.CharField(max_length=64, null=True)
    created_at = fields.DatetimeField(auto_now_add=True)

    class Meta:
        table = "job"
        unique_together = (("kind", "subject_id"),)
        indexes = (Index(fields=["state", "run_after"]), Index(fields=["subject_id"]))
