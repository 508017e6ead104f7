"""Uploads and their slots."""

from datetime import datetime
from enum import Enum
from typing import Annotated, cast

import strawberry

from resolvers import uploads
from resolvers.pages import PageArguments
from schema.cost.directives import Cost, paged
from schema.drive.items import File, Folder
from schema.error_codes import UploadErrorCode, WaitReason
from schema.relay.connections import After, Before, Connection, connect
from schema.relay.node import Node, RequestInfo
from schema.scalars import ByteSize
from schema.scopes.directives import READ, READ_OR_UPLOAD, UPLOAD
from services.core.ids import Prefix, encode, encode_slot
from services.uploads.types import Slot
from storage.uploads import models

FirstSlots = Annotated[
    int | None,
    strawberry.argument(
        description="The number of slots to return from the start of the list, or from those after `after`: 1 to "
        "1,000. It cannot be combined with `last`; without either of them it is 100. A `direct` upload returns at most "
        "100 slots at a time."
    ),
]
LastSlots = Annotated[
    int | None,
    strawberry.argument(
        description="The number of slots to return from the end of the list, or from those before `before`: 1 to 1,000."
    ),
]
Missing = Annotated[
    bool | None, strawberry.argument(description="Whether to return only slots whose chunk has not arrived.")
]


@strawberry.enum(description="The status of an upload.")
class UploadStatus(Enum):
    RECEIVING = strawberry.enum_value("RECEIVING", description="Some chunks have not arrived yet.")
    REASSEMBLING = strawberry.enum_value(
        "REASSEMBLING", description="All chunks have arrived. The server is verifying and storing the file."
    )
    COMPRESSING = strawberry.enum_value(
        "COMPRESSING", description="The file is stored. The server is compressing its video."
    )
    READY = strawberry.enum_value("READY", description="The upload is finished: see `Upload.file`.")
    FAILED = strawberry.enum_value("FAILED", description="The file could not be stored: see `Upload.error`.")
    ABORTED = strawberry.enum_value("ABORTED", description="The owner aborted the upload.")
    EXPIRED = strawberry.enum_value("EXPIRED", description="No chunk arrived for too long.")


@strawberry.type(description="The place of one chunk in a file, and the URL to send this chunk to.")
class ChunkSlot:
    upload: strawberry.Private[models.Upload]
    id: strawberry.ID = strawberry.field(description="An ID for the caches of clients. `node` does not load it.")
    index: int = strawberry.field(description="The number of the chunk, counted from 0.")
    offset: ByteSize = strawberry.field(description="The position of the chunk's first byte in the file.")
    size: int = strawberry.field(description="The exact size of the chunk, in bytes.")
    received: bool = strawberry.field(description="Whether the chunk has arrived.")

    @strawberry.field(
        description="The URL to send the chunk to, by PUT of its bytes, or by POST of multipart/form-data with the "
        "bytes in the file part `chunk`. It is signed, so that it needs no access token; query the slot again to renew "
        "it. For a `direct` upload it is a URL of S3, which only accepts PUT: pass the `ETag` of its response to "
        "`reportChunks`.",
        directives=[UPLOAD],
    )
    def url(self, info: RequestInfo) -> str:
        # It may be awaitable, which graphql-core resolves, but Strawberry's annotations cannot say.
        return cast(str, uploads.slot_url(info.context, self.upload, self.index))

    @strawberry.field(
        description="When `url` expires: by default at the first full hour after 6 hours. For a `direct` upload it is "
        "always one hour.",
        directives=[UPLOAD],
    )
    def url_expires_at(self, info: RequestInfo) -> datetime:
        return uploads.slot_url_expires_at(info.context, self.upload)

    @classmethod
    def of(cls, upload: models.Upload, slot: Slot) -> "ChunkSlot":
        """The GraphQL form of a slot of an upload."""
        return cls(
            upload=upload,
            id=strawberry.ID(encode_slot(upload.id, slot.index)),
            index=slot.index,
            offset=ByteSize(slot.offset),
            size=slot.size,
            received=slot.received,
        )


@strawberry.type(description="Why an upload failed, or why its video was not compressed.")
class UploadError:
    code: UploadErrorCode = strawberry.field(description="What went wrong, for programs.")
    message: str = strawberry.field(description="What went wrong, for people.")

    @classmethod
    def of(cls, code: str, message: str | None) -> "UploadError":
        """The GraphQL form of a stored error."""
        return cls(code=UploadErrorCode.of(code), message=message or "")


@strawberry.type(
    description="The upload of one file, which is sent in chunks. It remains when it has ended.",
    directives=[READ_OR_UPLOAD],
)
class Upload(Node):
    row: strawberry.Private[models.Upload]
    file_name: str = strawberry.field(description="The name that the file will have.")
    size: ByteSize = strawberry.field(description="The size of the file, in bytes.")
    status: UploadStatus = strawberry.field(description="The status of the upload.")
    chunk_size: int = strawberry.field(description="The size of every chunk except the last one, in bytes.")
    chunk_count: int = strawberry.field(description="The number of chunks: at most 10,000.")
    expires_at: datetime = strawberry.field(
        description="When the upload expires if no other chunk arrives: by default an hour after its start, and 7 days "
        "after the last chunk. An "
        "upload that FAILED with INTERNAL can be retried for the same time, and then expires."
    )
    created_at: datetime = strawberry.field(description="When the upload was started.")
    direct: bool = strawberry.field(
        description="Whether clients send the chunks straight to S3. A page of the slots then has at most 100 items."
    )

    @strawberry.field(
        description="The number of chunks that have arrived. After a failed upload it returns to 0 when the server "
        "deletes the chunks."
    )
    def received_chunks(self) -> int:
        return self.row.chunk_count if self.row.is_full else self.row.received_chunks

    @strawberry.field(description="The bytes of the chunks that have arrived.")
    def received_bytes(self) -> ByteSize:
        return self.size if self.row.is_full else ByteSize(self.row.received_bytes)

    @strawberry.field(
        description="The file, once it is stored: also while its video is being compressed. Before that it is null.",
        directives=[READ],
    )
    async def file(self, info: RequestInfo) -> File | None:
        row = await uploads.file_of(info.context, self.row)
        return File.of(row) if row else None

    @strawberry.field(
        description="The folder for the file: the root, if the folder was deleted. The file may have been moved since.",
        directives=[READ],
    )
    async def parent(self, info: RequestInfo) -> Folder | None:
        row = await uploads.parent_of(info.context, self.row)
        return Folder.of(row) if row else None

    # Like `file`, it takes a database query for all uploads of a page, so that it is priced like an object.
    @strawberry.field(
        description="Why the server cannot continue to process the upload at the moment, such as a full disk; null if "
        "it can.",
        directives=[Cost(weight="1")],
    )
    async def waits_for(self, info: RequestInfo) -> WaitReason | None:
        return WaitReason.of(await uploads.waits_for(info.context, self.row))

    @strawberry.field(
        description="The error of an upload that FAILED, also after it expired, or that is READY without the "
        "compressed video; otherwise null."
    )
    def error(self) -> UploadError | None:
        return UploadError.of(self.row.error_code, self.row.error_message) if self.row.error_code else None

    # Open slots may be behind up to 10,000 receipts, which the database has to pass.
    @strawberry.field(
        description="The slots of the upload, in the order of their indexes.",
        directives=[Cost(weight="5"), paged(uploads.SLOTS, uploads.MAX_SLOTS)],
    )
    async def slots(
        self,
        info: RequestInfo,
        first: FirstSlots = None,
        after: After = None,
        last: LastSlots = None,
        before: Before = None,
        missing: Missing = False,
    ) -> Connection[ChunkSlot]:
        arguments = PageArguments(first, after, last, before)
        page = await uploads.slots_page(info.context, self.row, arguments, missing=bool(missing))
        return connect(page, lambda slot: ChunkSlot.of(self.row, slot), lambda slot: str(slot.index))

    @strawberry.field(description="The slot with this index, such as to renew its URL; null if there is none.")
    async def slot(
        self, info: RequestInfo, index: Annotated[int, strawberry.argument(description="The index of the slot.")]
    ) -> ChunkSlot | None:
        slot = await uploads.find_slot(info.context, self.row, index)
        return ChunkSlot.of(self.row, slot) if slot else None

    @classmethod
    def of(cls, row: models.Upload) -> "Upload":
        """The GraphQL form of a row."""
        return cls(
            row=row,
            id=strawberry.ID(encode(Prefix.UPLOAD, row.id)),
            file_name=row.file_name,
            size=ByteSize(row.size),
            status=UploadStatus(row.status.value),
            chunk_size=row.chunk_size,
            chunk_count=row.chunk_count,
            expires_at=row.expires_at,
            created_at=row.created_at,
            direct=row.direct,
        )
