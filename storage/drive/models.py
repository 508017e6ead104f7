"""Tables of folders and files, their versions, renditions, and the blobs behind them."""

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


class ItemKind(StrEnum):
    """What an item of a drive is."""

    FOLDER = "FOLDER"
    FILE = "FILE"


class FileKind(StrEnum):
    """The kind of a file's content, by its media type."""

    VIDEO = "VIDEO"
    AUDIO = "AUDIO"
    IMAGE = "IMAGE"
    DOCUMENT = "DOCUMENT"
    ARCHIVE = "ARCHIVE"
    OTHER = "OTHER"


class Item(Model):
    """A folder or a file in the drive of an account.

    The root of a drive has the ID of its account. ``parent_id`` is null for it, and for the top of what is being
    deleted.
    ``folded_name`` is the name for comparisons: unique among the items of a folder that are not in the trash.
    ``sort_key`` orders names, with numbers by their value; its bytes compare alike in all databases.
    ``trashed_at`` is set on the top item alone of what is in the trash. ``removed_at`` is set on the top item of what
    is being deleted; nobody sees it any more. ``size``, ``file_kind`` and ``version_id`` are those of the current
    version, and null for folders.
    """

    id = fields.UUIDField(primary_key=True, default=uuid7)
    account: fields.ForeignKeyRelation[Account] = fields.ForeignKeyField("cloudkeep.Account", on_delete=fields.RESTRICT)
    account_id: UUID
    parent: fields.ForeignKeyNullableRelation["Item"] = fields.ForeignKeyField(
        "cloudkeep.Item", null=True, on_delete=fields.RESTRICT
    )
    parent_id: UUID | None
    kind = fields.CharEnumField(ItemKind, max_length=16, description="FOLDER or FILE")
    name = fields.CharField(max_length=255)
    folded_name = fields.CharField(max_length=1024)
    sort_key = fields.BinaryField()
    size = fields.BigIntField(null=True)
    file_kind = fields.CharEnumField(FileKind, max_length=16, null=True, description="The kind of the content")
    version_id = fields.UUIDField(null=True)
    starred = fields.BooleanField(default=False)
    trashed_at = fields.DatetimeField(null=True)
    removed_at = fields.DatetimeField(null=True)
    created_at = fields.DatetimeField()
    updated_at = fields.DatetimeField()

    class Meta:
        table = "item"
        # The partial indexes, among them that of unique names, are in the migration.
        indexes = (
            Index(fields=["account_id", "id"]),
            Index(fields=["parent_id", "kind", "id"]),
            Index(fields=["parent_id", "kind", "size", "id"]),
            Index(fields=["parent_id", "kind", "updated_at", "id"]),
            Index(fields=["parent_id", "kind", "sort_key", "id"]),
        )


class Blob(Model):
    """Bytes in the blob store, verified before this row was written. Sizes in bytes, digests in lower-case hex.

    Versions and renditions of one account may share a blob. ``released_at`` is when the last of them was deleted; the
    bytes are deleted some time later. ``is_deleting`` is set before they are: then the blob cannot be used again.
    ``crc32`` is that of zip files; blobs from older versions have none until a job has computed it.
    """

    id = fields.UUIDField(primary_key=True, default=uuid7)
    account: fields.ForeignKeyNullableRelation[Account] = fields.ForeignKeyField(
        "cloudkeep.Account", null=True, on_delete=fields.RESTRICT
    )
    account_id: UUID | None
    key = fields.CharField(max_length=200, unique=True)
    size = fields.BigIntField()
    sha256 = fields.CharField(max_length=64)
    crc32 = fields.BigIntField(null=True)
    released_at = fields.DatetimeField(null=True)
    is_deleting = fields.BooleanField(default=False, db_default=False)
    created_at = fields.DatetimeField(auto_now_add=True)

    class Meta:
        table = "blob"
        indexes = (Index(fields=["sha256"]),)


class FileVersion(Model):
    """The content of a file at one time: a verified blob and what is known about it.

    ``media`` holds ``MediaFacts`` or nothing. A file numbers its versions from 1 on. ``item_id`` is only null in the
    middle of a migration. ``replaced_at`` is when another one took its place, if that was not at its creation: the
    current version of another file.
    """

    id = fields.UUIDField(primary_key=True, default=uuid7)
    account: fields.ForeignKeyRelation[Account] = fields.ForeignKeyField("cloudkeep.Account", on_delete=fields.RESTRICT)
    account_id: UUID
    item: fields.ForeignKeyRelation[Item] = fields.ForeignKeyField(  # type: ignore[assignment]
        "cloudkeep.Item", null=True, on_delete=fields.RESTRICT
    )
    item_id: UUID
    number = fields.IntField(default=1, db_default=1)
    mime_type = fields.CharField(max_length=127)
    blob: fields.ForeignKeyRelation[Blob] = fields.ForeignKeyField("cloudkeep.Blob", on_delete=fields.RESTRICT)
    blob_id: UUID
    media = fields.JSONField[dict[str, Any] | None](null=True)
    created_at = fields.DatetimeField(auto_now_add=True)
    replaced_at = fields.DatetimeField(null=True)

    class Meta:
        table = "file_version"
        # The unique index of item and number is in the migration.
        indexes = (Index(fields=["account_id", "id"]), Index(fields=["blob_id"]))


class Rendition(Model):
    """A file derived from a version, at most one of each kind."""

    id = fields.UUIDField(primary_key=True, default=uuid7)
    version: fields.ForeignKeyRelation[FileVersion] = fields.ForeignKeyField(
        "cloudkeep.FileVersion", on_delete=fields.RESTRICT
    )
    version_id: UUID
    kind = fields.CharEnumField(RenditionKind, max_length=32)
    mime_type = fields.CharField(max_length=127)
    blob: fields.ForeignKeyRelation[Blob] = fields.ForeignKeyField("cloudkeep.Blob", on_delete=fields.RESTRICT)
    blob_id: UUID
    created_at = fields.DatetimeField(auto_now_add=True)

    class Meta:
        table = "rendition"
        unique_together = (("version", "kind"),)
        indexes = (Index(fields=["blob_id"]),)


class Zip(Model):
    """A zip file that is made while it is downloaded. Its entries are fixed, so that a download can be resumed.

    ``entries`` is the compressed list of them; :mod:`services.drive.zips` has its format.
    """

    id = fields.UUIDField(primary_key=True, default=uuid7)
    account: fields.ForeignKeyRelation[Account] = fields.ForeignKeyField("cloudkeep.Account", on_delete=fields.CASCADE)
    account_id: UUID
    name = fields.CharField(max_length=255)
    size = fields.BigIntField()
    etag = fields.CharField(max_length=64)
    entries = fields.BinaryField()
    created_at = fields.DatetimeField(auto_now_add=True)
    expires_at = fields.DatetimeField()

    class Meta:
        table = "zip"
        indexes = (Index(fields=["account_id", "id"]), Index(fields=["expires_at"]))
