"""Tables of files, renditions and the blobs behind them."""

from enum import StrEnum
from typing import Any
from uuid import UUID

from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model
from uuid_utils.compat import uuid7

from storage.accounts.models import Account


class RenditionKind(StrEnum):
    """The kind of a derived file."""

    COMPRESSED_VIDEO = "COMPRESSED_VIDEO"


class Blob(Model):
    """Bytes in the blob store, verified before this row was written. Sizes in bytes, digests in lower-case hex.

    Files of one account may share a blob: it may go when no file and no rendition names it any more.
    """

    id = fields.UUIDField(primary_key=True, default=uuid7)
    key = fields.CharField(max_length=200, unique=True)
    size = fields.BigIntField()
    sha256 = fields.CharField(max_length=64)
    created_at = fields.DatetimeField(auto_now_add=True)

    class Meta:
        table = "blob"
        indexes = (Index(fields=["sha256"]),)


class File(Model):
    """What an owner sees: a name on a verified blob. ``media`` holds ``MediaFacts`` or nothing."""

    id = fields.UUIDField(primary_key=True, default=uuid7)
    account: fields.ForeignKeyRelation[Account] = fields.ForeignKeyField("cloudkeep.Account", on_delete=fields.RESTRICT)
    account_id: UUID
    name = fields.CharField(max_length=255)
    mime_type = fields.CharField(max_length=127)
    blob: fields.ForeignKeyRelation[Blob] = fields.ForeignKeyField("cloudkeep.Blob", on_delete=fields.RESTRICT)
    blob_id: UUID
    media = fields.JSONField[dict[str, Any] | None](null=True)
    created_at = fields.DatetimeField(auto_now_add=True)

    class Meta:
        table = "file"
        indexes = (Index(fields=["account_id", "id"]), Index(fields=["blob_id"]))


class Rendition(Model):
    """A file derived from another one, at most one of each kind."""

    id = fields.UUIDField(primary_key=True, default=uuid7)
    file: fields.ForeignKeyRelation[File] = fields.ForeignKeyField("cloudkeep.File", on_delete=fields.RESTRICT)
    file_id: UUID
    kind = fields.CharEnumField(RenditionKind, max_length=32)
    mime_type = fields.CharField(max_length=127)
    blob: fields.ForeignKeyRelation[Blob] = fields.ForeignKeyField("cloudkeep.Blob", on_delete=fields.RESTRICT)
    blob_id: UUID
    created_at = fields.DatetimeField(auto_now_add=True)

    class Meta:
        table = "rendition"
        unique_together = (("file", "kind"),)
        indexes = (Index(fields=["blob_id"]),)
