"""Tables of uploads and their chunks.

As in all tables, primary keys are UUIDv7 (RFC 9562, section 5.7): they sort by time of creation, so a page of the
newest needs no index of its own. Rules for changes: a new column takes ``db_default``, a new index goes into
``Meta.indexes``.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any
from uuid import UUID

from tortoise import fields
from tortoise.expressions import Q
from tortoise.indexes import Index
from tortoise.models import Model
from uuid_utils.compat import uuid7

from storage.accounts.models import Account
from storage.drive.models import FileVersion
from storage.jobs.models import JobKind


class UploadStatus(StrEnum):
    """Where an upload stands. READY, FAILED, ABORTED and EXPIRED are final."""

    RECEIVING = "RECEIVING"
    REASSEMBLING = "REASSEMBLING"
    COMPRESSING = "COMPRESSING"
    READY = "READY"
    FAILED = "FAILED"
    ABORTED = "ABORTED"
    EXPIRED = "EXPIRED"

    @property
    def is_final(self) -> bool:
        """Whether the upload will not change any more."""
        return self in FINAL


FINAL = frozenset({UploadStatus.READY, UploadStatus.FAILED, UploadStatus.ABORTED, UploadStatus.EXPIRED})
#: Uploads that wait for chunks, or for the verification that may reopen some.
OPEN = (UploadStatus.RECEIVING, UploadStatus.REASSEMBLING)
#: Those whose file is stored.
STORED = (UploadStatus.COMPRESSING, UploadStatus.READY)
#: The error code of failed uploads whose bytes are deleted, because they are proven not to be the declared file. Failed
#: uploads with any other code keep their bytes for a retry until they expire.
BYTES_DELETED = "CHECKSUM_MISMATCH"
AWAITS_RETRY = Q(status=UploadStatus.FAILED, error_code__not=BYTES_DELETED)
#: The job that moves an upload forward, by the upload's status. Other statuses have none.
JOB_OF_STATUS: Mapping[UploadStatus, JobKind] = {
    UploadStatus.REASSEMBLING: JobKind.REASSEMBLE,
    UploadStatus.COMPRESSING: JobKind.COMPRESS,
}
FULL = frozenset({UploadStatus.REASSEMBLING, UploadStatus.COMPRESSING, UploadStatus.READY})


class Sliced:
    """``size`` bytes that are divided into slots of ``chunk_size`` bytes.

    ``staging`` is the store's handle of the staging area; if it is missing, the ``id`` is the handle.
    """

    id: UUID
    account_id: UUID
    size: int
    chunk_size: int
    staging: str | None

    @property
    def staging_area(self) -> str:
        """The handle of the bytes in the store until they are a blob."""
        return self.staging or str(self.id)

    @property
    def chunk_count(self) -> int:
        """The number of slots."""
        return int(-(-self.size // self.chunk_size))

    def slot_size(self, index: int) -> int:
        """Bytes of slot ``index``: the chunk size, or the remainder for the last slot."""
        return int(min(self.chunk_size, self.size - index * self.chunk_size))

    def slot_offset(self, index: int) -> int:
        """The offset of slot ``index``."""
        return int(index * self.chunk_size)


class Upload(Sliced, Model):
    """A file on its way in. An idempotency key is given up when the upload dies without a file.

    ``fingerprint`` stands for the file and its owner while the upload is open and was begun without a key.
    ``received_chunks`` and ``received_bytes`` change with the receipts, in the same transaction. ``known_bytes`` is the
    part of ``received_bytes`` that was not sent, because the account's files had these chunks. ``direct`` says that its
    chunks go to the store past us.
    """

    id = fields.UUIDField(primary_key=True, default=uuid7)
    account: fields.ForeignKeyRelation[Account] = fields.ForeignKeyField("cloudkeep.Account", on_delete=fields.CASCADE)
    account_id: UUID
    file_name = fields.CharField(max_length=255)
    mime_type = fields.CharField(max_length=127)
    size = fields.BigIntField()
    chunk_size = fields.IntField()
    sha256 = fields.CharField(max_length=64, null=True)
    compress = fields.JSONField[dict[str, Any] | None](null=True)
    idempotency_key = fields.CharField(max_length=255, null=True)
    fingerprint = fields.CharField(max_length=64, null=True, unique=True)
    status = fields.CharEnumField(UploadStatus, max_length=16, default=UploadStatus.RECEIVING)
    staging = fields.TextField(null=True)
    direct = fields.BooleanField(default=False, db_default=False)
    received_chunks = fields.IntField(default=0, db_default=0)
    received_bytes = fields.BigIntField(default=0, db_default=0)
    known_bytes = fields.BigIntField(default=0, db_default=0)
    error_code = fields.CharField(max_length=64, null=True)
    error_message = fields.CharField(max_length=500, null=True)
    version: fields.ForeignKeyNullableRelation[FileVersion] = fields.ForeignKeyField(
        "cloudkeep.FileVersion", null=True, on_delete=fields.SET_NULL
    )
    version_id: UUID | None
    # The folder that the file is put into; null is the root. It may be gone by then.
    parent_id = fields.UUIDField(null=True)
    conflict = fields.CharField(max_length=16, default="KEEP_BOTH", db_default="KEEP_BOTH")
    expires_at = fields.DatetimeField()
    created_at = fields.DatetimeField(auto_now_add=True)

    class Meta:
        table = "upload"
        unique_together = (("account", "idempotency_key"),)
        indexes = (
            Index(fields=["account_id", "id"]),
            Index(fields=["account_id", "status"]),
            Index(fields=["status", "expires_at"]),
            Index(fields=["account_id", "sha256"]),
            Index(fields=["account_id", "parent_id", "id"]),
            Index(fields=["version_id"]),
        )

    @property
    def is_full(self) -> bool:
        """Whether no slot waits for bytes. A file that its owner already had has no slots and no receipts."""
        return self.status in FULL

    @property
    def status_with_file(self) -> UploadStatus:
        """The status of the upload as soon as its file is stored."""
        return UploadStatus.COMPRESSING if self.compress else UploadStatus.READY


class Chunk(Model):
    """A receipt: slot ``index`` holds these bytes. Written once, deleted only to reopen the slot.

    With a ``source`` they lie at ``source_offset`` of the blob with that key, and are copied from there before they are
    verified.

    ``xxh3`` (XXH3, 128 bits, in hex) is for finding damage when the bytes are read again: it costs next to nothing.
    Receipts from older versions have none. ``etag`` is the ETag of the bytes in the store, if the store has ETags.
    """

    id = fields.BigIntField(primary_key=True, generated=True)
    upload: fields.ForeignKeyRelation[Upload] = fields.ForeignKeyField("cloudkeep.Upload", on_delete=fields.CASCADE)
    upload_id: UUID
    index = fields.IntField()
    size = fields.IntField()
    sha256 = fields.CharField(max_length=64)
    xxh3 = fields.CharField(max_length=32, null=True)
    source = fields.CharField(max_length=200, null=True)
    source_offset = fields.BigIntField(null=True)
    etag = fields.CharField(max_length=200, null=True)

    class Meta:
        table = "chunk"
        unique_together = (("upload", "index"),)
        indexes = (Index(fields=["sha256"]),)


class QuarantinedBlob(Model):
    """A blob that no row needs, but that was published: it is kept for a while, because that may be an error.

    ``since`` is when this database first found it so. That of the bytes would not do: in an older database they may be
    the only copy of an old file.
    """

    key = fields.CharField(max_length=200, primary_key=True)
    since = fields.DatetimeField()

    class Meta:
        table = "quarantined_blob"


class ObsoleteRecord(Model):
    """A record in the store, whose file was deleted and shared the bytes of another one.

    The record is deleted some time after ``since``: a process that has just stored the file may write it later.
    """

    key = fields.CharField(max_length=200, primary_key=True)
    since = fields.DatetimeField()

    class Meta:
        table = "obsolete_record"
        indexes = (Index(fields=["since"]),)
