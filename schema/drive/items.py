"""Folders and files."""

from datetime import datetime

import strawberry

from resolvers.drive import file_versions, folders
from resolvers.drive import items as drive
from resolvers.drive.item_cursors import item_cursor
from resolvers.pages import PageArguments
from schema.accounts.public_profile import Profile
from schema.cost.directives import Cost, paged
from schema.drive.filters import FolderFilter
from schema.drive.ordering import BY_NAME, OrderBy
from schema.drive.types import (
    DOWNLOAD,
    DOWNLOAD_URL,
    OLD_DOWNLOAD_URL,
    RENDITIONS,
    Disposition,
    DownloadDisposition,
    FileKind,
    Media,
    Rendition,
    SignedUrl,
    signed_url,
)
from schema.relay.connections import After, Before, Connection, First, Last, connect
from schema.relay.node import Node, RequestInfo
from schema.scalars import ByteSize
from schema.scopes.directives import READ
from services.access import types as access
from services.core.ids import Prefix, encode
from services.drive.types import NO_FILTER
from services.media.types import MediaFacts
from storage.drive import models
from storage.drive.models import ItemKind

#: The server reads a folder, or an entry of an index, for each item in it.
COUNT = Cost(weight="5")
#: The server reads up to 10,000 items: a tenth of a second.
MEASUREMENT = Cost(weight="100")


@strawberry.interface(description="A folder or a file.")
class DriveItem(Node):
    row: strawberry.Private[models.Item]
    name: str = strawberry.field(description="The name, without a path.")
    created_at: datetime = strawberry.field(description="When the item was created.")
    updated_at: datetime = strawberry.field(description="When the item itself or its content was last changed.")
    trashed_at: datetime | None = strawberry.field(
        description="When the item was moved to the trash; null if it was not. The items of a folder in the trash have "
        "null."
    )
    starred: bool = strawberry.field(description="Whether the owner has marked the item with a star.")

    @strawberry.field(
        description="The folder that the item is in; null for the root. For an item that was moved to the trash, it is "
        "the folder that it was in."
    )
    async def parent(self, info: RequestInfo) -> "Folder | None":
        row = await folders.parent_of(info.context, self.row)
        return Folder.of(row) if row else None

    @strawberry.field(
        description="The names of the folders from the root on and of the item, each after a slash, such as "
        "`/Films/holiday.mp4`; `/` for the root.",
    )
    async def path(self, info: RequestInfo) -> str:
        return await folders.path_of(info.context, self.row)

    @strawberry.field(description="The owner of the drive that the item is in.")
    async def owner(self, info: RequestInfo) -> Profile:
        return Profile(name=(await folders.owner_of(info.context, self.row)).name)

    @classmethod
    def of(cls, row: models.Item) -> "Folder | File":
        """The GraphQL form of a row."""
        type_ = Folder if row.kind is ItemKind.FOLDER else File
        return type_(
            row=row,
            id=strawberry.ID(encode(drive.PREFIXES[row.kind], row.id)),
            name=row.name,
            created_at=row.created_at,
            updated_at=row.updated_at,
            trashed_at=row.trashed_at,
            starred=row.starred,
        )


@strawberry.type(description="A folder.", directives=[READ])
class Folder(DriveItem):
    @strawberry.field(
        description="The items of the folder, without those in the trash. Folders come first, then files.",
        directives=[paged()],
    )
    async def items(
        self,
        info: RequestInfo,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
        order_by: OrderBy = None,
        filter: FolderFilter = None,
    ) -> Connection[DriveItem]:
        order = order_by.to_domain() if order_by else BY_NAME
        only = filter.value if filter else NO_FILTER
        arguments = PageArguments(first, after, last, before)
        page = await folders.items_page(info.context, self.row, order, only, arguments)
        return connect(page, DriveItem.of, lambda row: item_cursor(row, order))

    @strawberry.field(description="The number of items in the folder, without those in the trash.", directives=[COUNT])
    async def item_count(self, info: RequestInfo) -> int:
        return await folders.item_count(info.context, self.row)

    @strawberry.field(
        description="The size of the current versions of all files in the folder and the folders below it, in bytes, "
        "without those in the trash; null if these are more than 10,000 items.",
        directives=[MEASUREMENT],
    )
    async def total_size(self, info: RequestInfo) -> ByteSize | None:
        size = await folders.total_size(info.context, self.row)
        return None if size is None else ByteSize(size)

    @classmethod
    def of(cls, row: models.Item) -> "Folder":
        """The GraphQL form of the row of a folder."""
        item = DriveItem.of(row)
        assert isinstance(item, Folder)
        return item


@strawberry.type(description="A stored file. Its bytes were verified.", directives=[READ])
class File(DriveItem):
    @strawberry.field(description="The size of the current version, in bytes.")
    def size(self) -> ByteSize:
        return ByteSize(self.row.size or 0)

    @strawberry.field(description="The kind of the content.")
    def kind(self) -> FileKind:
        return FileKind(self.row.file_kind.value if self.row.file_kind else "OTHER")

    @strawberry.field(description="The media type of the current version, such as `video/mp4`.")
    async def mime_type(self, info: RequestInfo) -> str:
        return (await drive.current_version(info.context, self.row)).mime_type

    @strawberry.field(description="The SHA-256 of the bytes of the current version, in hexadecimal digits.")
    async def sha256(self, info: RequestInfo) -> str:
        return (await drive.current_version(info.context, self.row)).blob.sha256

    @strawberry.field(description="The current version.")
    async def version(self, info: RequestInfo) -> "FileVersion":
        return FileVersion.of(await drive.current_version(info.context, self.row))

    @strawberry.field(description="The versions, the newest and current one first.", directives=[paged()])
    async def versions(
        self, info: RequestInfo, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection["FileVersion"]:
        page = await file_versions.versions_page(info.context, self.row, PageArguments(first, after, last, before))
        return connect(page, FileVersion.of, lambda row: str(row.number))

    @strawberry.field(description=DOWNLOAD)
    def download(
        self, info: RequestInfo, disposition: DownloadDisposition = Disposition.ATTACHMENT
    ) -> SignedUrl | None:
        return signed_url(info, _version_url(info, self.row, disposition.signed))

    @strawberry.field(description=DOWNLOAD_URL, deprecation_reason=OLD_DOWNLOAD_URL)
    def download_url(self, info: RequestInfo) -> str | None:
        return _version_url(info, self.row)

    @strawberry.field(description="The properties of an audio or video file; null for any other file.")
    async def media(self, info: RequestInfo) -> Media | None:
        return _media(await drive.current_version(info.context, self.row))

    @strawberry.field(description="The renditions that were made from the current version.", directives=[RENDITIONS])
    async def renditions(self, info: RequestInfo) -> list[Rendition]:
        assert self.row.version_id
        return [Rendition.of(row) for row in await drive.renditions(info.context, self.row.version_id)]

    @classmethod
    def of(cls, row: models.Item) -> "File":
        """The GraphQL form of the row of a file."""
        item = DriveItem.of(row)
        assert isinstance(item, File)
        return item


@strawberry.type(description="The content of a file at one time. Replacing a file adds one.", directives=[READ])
class FileVersion(Node):
    row: strawberry.Private[models.FileVersion]
    number: int = strawberry.field(description="The number of the version. The first version of a file is 1.")
    size: ByteSize = strawberry.field(description="The size, in bytes.")
    sha256: str = strawberry.field(description="The SHA-256 of the bytes, in hexadecimal digits.")
    mime_type: str = strawberry.field(description="The media type, such as `video/mp4`.")
    created_at: datetime = strawberry.field(description="When the version was stored.")
    is_current: bool = strawberry.field(description="Whether it is the current version of its file.")

    @strawberry.field(description="The properties of audio or video; null for any other content.")
    def media(self) -> Media | None:
        return _media(self.row)

    @strawberry.field(description=DOWNLOAD)
    def download(
        self, info: RequestInfo, disposition: DownloadDisposition = Disposition.ATTACHMENT
    ) -> SignedUrl | None:
        return signed_url(info, drive.version_url(info.context, self.row.id, disposition.signed))

    @classmethod
    def of(cls, row: models.FileVersion) -> "FileVersion":
        """The GraphQL form of a row, whose blob and file are loaded."""
        return cls(
            row=row,
            id=strawberry.ID(encode(Prefix.VERSION, row.id)),
            number=row.number,
            size=ByteSize(row.blob.size),
            sha256=row.blob.sha256,
            mime_type=row.mime_type,
            created_at=row.created_at,
            is_current=row.item.version_id == row.id,
        )


def _media(version: models.FileVersion) -> Media | None:
    return Media.of(MediaFacts.from_json(version.media)) if version.media else None


def _version_url(
    info: RequestInfo, file: models.Item, disposition: access.Disposition = access.Disposition.ATTACHMENT
) -> str:
    assert file.version_id
    return drive.version_url(info.context, file.version_id, disposition)
