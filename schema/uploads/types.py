"""Uploads and their slots."""

from datetime import datetime
from enum import Enum
from typing import Annotated

import strawberry

from resolvers import uploads
from resolvers.pages import PageArguments
from schema.cost.directives import Cost, paged
from schema.drive.types import File
from schema.error_codes import UploadErrorCode, WaitReason
from schema.relay.connections import After, Before, Connection, connect
from schema.relay.node import Node, RequestInfo
from schema.scalars import ByteSize
from services.core.ids import Prefix, encode, encode_slot
from services.uploads.types import Slot
from storage.uploads import models

FirstSlots = Annotated[
    int | None,
    strawberry.argument(
        description="The page has the first slots behind `after`: 1 to 1,000. It has 100 if neither `first` nor `last` "
        "is given; give one of them. Pages of a `direct` upload have at most 100 slots."
    ),
]
LastSlots = Annotated[
    int | None, strawberry.argument(description="The page has the last slots before `before`: 1 to 1,000.")
]
Missing = Annotated[bool | None, strawberry.argument(description="Only the open slots.")]


@strawberry.enum(description="The state of an upload.")
class UploadStatus(Enum):
    RECEIVING = strawberry.enum_value("RECEIVING", description="Some chunks are missing.")
    REASSEMBLING = strawberry.enum_value("REASSEMBLING", description="All chunks arrived, and the file is verified.")
    COMPRESSING = strawberry.enum_value("COMPRESSING", description="The file is stored, and its video is compressed.")
    READY = strawberry.enum_value("READY", description="Everything is done.")
    FAILED = strawberry.enum_value("FAILED", description="The file could not be stored: see `error`.")
    ABORTED = strawberry.enum_value("ABORTED", description="The owner aborted the upload.")
    EXPIRED = strawberry.enum_value("EXPIRED", description="No chunk arrived for too long.")


@strawberry.type(description="A place for one chunk of the file.")
class ChunkSlot:
    upload: strawberry.Private[models.Upload]
    id: strawberry.ID = strawberry.field(description="An ID for the caches of clients. `node` does not load it.")
    index: int = strawberry.field(description="The position of the chunk among the chunks, from 0 on.")
    offset: ByteSize = strawberry.field(description="The position of the chunk's first byte in the file.")
    size: int = strawberry.field(description="The exact size of the chunk, in bytes.")
    received: bool = strawberry.field(description="Whether the chunk has arrived and was verified.")

    @strawberry.field(
        description="Where to send the chunk: PUT of the bytes, or POST of multipart/form-data with a file part "
        "`chunk`. It is a signed URL, which needs no access token; query the slot again to renew it. For a `direct` "
        "upload it is a URL of the store: only PUT, and `reportChunks` needs the `ETag` of the response."
    )
    async def url(self, info: RequestInfo) -> str:
        return await uploads.slot_url(info.context, self.upload, self.index)

    @strawberry.field(description="When `url` expires.")
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


@strawberry.type(description="A file that is being uploaded, or was.")
class Upload(Node):
    row: strawberry.Private[models.Upload]
    file_name: str = strawberry.field(description="The name that the file will have.")
    size: ByteSize = strawberry.field(description="The size of the file, in bytes.")
    status: UploadStatus = strawberry.field(description="The state of the upload.")
    chunk_size: int = strawberry.field(description="The size of every chunk but the last one, in bytes.")
    chunk_count: int = strawberry.field(description="The number of chunks: at most 10,000.")
    expires_at: datetime = strawberry.field(
        description="When the upload expires if no other chunk arrives. Each chunk moves it on."
    )
    created_at: datetime = strawberry.field(description="When the upload was begun.")
    direct: bool = strawberry.field(
        description="Whether chunks go straight to the store. Pages of its slots have at most 100 items."
    )

    @strawberry.field(
        description="The number of chunks that arrived and were verified. It is 0 some time after an upload has failed."
    )
    def received_chunks(self) -> int:
        return self.row.chunk_count if self.row.is_full else self.row.received_chunks

    @strawberry.field(description="The bytes that arrived and were verified.")
    def received_bytes(self) -> ByteSize:
        return self.size if self.row.is_full else ByteSize(self.row.received_bytes)

    @strawberry.field(description="The file, once all of it was verified. It is there while its video is compressed.")
    async def file(self, info: RequestInfo) -> File | None:
        row = await uploads.file_of(info.context, self.row)
        return File.of(row) if row else None

    # One query for all uploads of a page, as for `file`, although it returns no object.
    @strawberry.field(
        description="Why the work on it waits, such as a full disk; null while it does not wait. It continues by "
        "itself, and nothing is lost.",
        directives=[Cost(weight="1")],
    )
    async def waits_for(self, info: RequestInfo) -> WaitReason | None:
        return WaitReason.of(await uploads.waits_for(info.context, self.row))

    @strawberry.field(
        description="What went wrong. A READY upload with an error has its file, but no compressed video."
    )
    def error(self) -> UploadError | None:
        return UploadError.of(self.row.error_code, self.row.error_message) if self.row.error_code else None

    # The indexes of all receipts are read, up to 10,000, however few slots are wanted.
    @strawberry.field(
        description="The slots of the upload, by index.",
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

    @strawberry.field(
        description="One slot, to renew its URL or to get it just in time; null if no slot has this index."
    )
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
