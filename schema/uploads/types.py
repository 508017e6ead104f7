"""Uploads, their slots and their progress."""

from collections.abc import Awaitable
from datetime import datetime
from typing import Annotated

import strawberry

from resolvers import uploads
from schema.cost.directives import Cost, paged
from schema.drive.types import File
from schema.execution.errors import USER_ERRORS, UserError, to_payload
from schema.relay.connections import Connection, connect
from schema.relay.node import Node, RequestInfo
from schema.scalars import ByteSize
from services.core.errors import ErrorCode
from services.uploads.progress_frame import ProgressFrame
from services.uploads.types import Slot
from storage.uploads import models
from storage.uploads.models import UploadStatus

strawberry.enum(UploadStatus, description="Where an upload stands.")


@strawberry.type(description="A place for one chunk of the file.")
class ChunkSlot:
    upload: strawberry.Private[models.Upload]
    index: int
    offset: ByteSize = strawberry.field(description="Where in the file the chunk begins.")
    size: int = strawberry.field(description="Bytes that the chunk has, exactly.")
    received: bool

    @strawberry.field(
        description="Where the chunk goes: PUT of the raw bytes, or POST of multipart/form-data with a file part "
        "`chunk`. Carries its own right for a few hours; ask for the slot again to renew it. Of a `direct` upload, PUT "
        "alone; tell `reportChunks` what the answer's ETag was."
    )
    async def url(self, info: RequestInfo) -> str:
        return await uploads.slot_url(info.context, self.upload, self.index)

    @strawberry.field(description="When `url` ends to hold.")
    def url_expires_at(self, info: RequestInfo) -> datetime:
        return uploads.slot_url_expires_at(info.context, self.upload)


@strawberry.type(description="Why an upload failed, or why its video was not compressed.")
class UploadError:
    code: ErrorCode
    message: str


@strawberry.type(description="A file on its way in.")
class Upload(Node):
    row: strawberry.Private[models.Upload]
    file_name: str
    size: ByteSize
    status: UploadStatus
    chunk_size: int
    chunk_count: int
    expires_at: datetime = strawberry.field(description="When an upload that receives nothing more is given up.")
    created_at: datetime
    direct: bool = strawberry.field(
        description="Whether its chunks go straight to the store. Its pages of slots have at most 100."
    )

    @strawberry.field(
        description="Chunks that arrived and were verified. Soon after an upload has died there are none."
    )
    def received_chunks(self) -> int:
        return self.row.chunk_count if self.row.is_full else self.row.received_chunks

    @strawberry.field(description="Bytes that arrived and were verified.")
    def received_bytes(self) -> ByteSize:
        return self.size if self.row.is_full else ByteSize(self.row.received_bytes)

    @strawberry.field(description="The file, once all of it was verified; while its video is compressed, too.")
    async def file(self, info: RequestInfo) -> File | None:
        row = await uploads.file_of(info.context, self.row)
        return File.of(row) if row else None

    # A query for all uploads of a page, as `file` is, although it returns no object.
    @strawberry.field(
        description="Why the work on it stands still, such as a full disk. It goes on by itself; nothing is lost.",
        directives=[Cost(weight="1")],
    )
    async def waits_for(self, info: RequestInfo) -> ErrorCode | None:
        return await uploads.waits_for(info.context, self.row)

    @strawberry.field(description="What went wrong. A READY upload with an error has its file, but no rendition.")
    def error(self) -> UploadError | None:
        code = self.row.error_code
        return UploadError(code=ErrorCode(code), message=self.row.error_message or "") if code else None

    # The indexes of all receipts are read, up to 10,000, however few slots are asked for.
    @strawberry.field(
        description="The slots by index, in pages; only the open ones when `missing`.",
        directives=[Cost(weight="5"), paged(uploads.MAX_SLOTS)],
    )
    async def slots(
        self,
        info: RequestInfo,
        first: Annotated[int | None, strawberry.argument(description="1 to 1000.")] = uploads.SLOTS,
        after: str | None = None,
        missing: bool | None = False,
    ) -> Connection[ChunkSlot]:
        page = await uploads.slots_page(info.context, self.row, first, after, bool(missing))
        return connect(page, lambda slot: _slot(self.row, slot), lambda slot: str(slot.index))

    @strawberry.field(
        description="One slot, to renew its URL or to ask for it just in time; null when no slot has this index."
    )
    async def slot(self, info: RequestInfo, index: int) -> ChunkSlot | None:
        found = await uploads.find_slot(info.context, self.row, index)
        return _slot(self.row, found) if found else None

    @classmethod
    def of(cls, row: models.Upload) -> "Upload":
        """The GraphQL form of a row."""
        return cls(
            row=row,
            id=strawberry.ID(str(row.id)),
            file_name=row.file_name,
            size=ByteSize(row.size),
            status=row.status,
            chunk_size=row.chunk_size,
            chunk_count=row.chunk_count,
            expires_at=row.expires_at,
            created_at=row.created_at,
            direct=row.direct,
        )


@strawberry.type
class UploadPayload:
    upload: Upload | None
    user_errors: list[UserError] = strawberry.field(directives=[USER_ERRORS])

    @classmethod
    async def to_payload(cls, work: Awaitable[models.Upload]) -> "UploadPayload":
        """Wait for the work, and turn its end into a payload."""
        row, errors = await to_payload(work)
        return cls(upload=Upload.of(row) if row else None, user_errors=errors)


@strawberry.type(description="One picture of an upload's progress.")
class UploadProgress:
    cursor: str = strawberry.field(description="Pass it as `after` to go on from here.")
    stage: UploadStatus
    percent: float = strawberry.field(description="Of the stage, 0 to 100. Never goes back within a stage.")
    bytes_done: ByteSize | None
    bytes_total: ByteSize | None
    eta_seconds: float | None = strawberry.field(description="Until the end of the stage, in seconds.")
    speed: float | None = strawberry.field(
        description="Bytes per second; while COMPRESSING a multiple of the video's own speed."
    )
    waits_for: ErrorCode | None = strawberry.field(description="Why nothing moves. It goes on by itself.")
    upload: Upload

    @classmethod
    def of(cls, frame: ProgressFrame, row: models.Upload) -> "UploadProgress":
        """The GraphQL form of a frame."""
        return cls(
            cursor=frame.cursor,
            stage=frame.stage,
            percent=round(frame.percent, 2),
            bytes_done=_bytes(frame.bytes_done),
            bytes_total=_bytes(frame.bytes_total),
            eta_seconds=None if frame.eta_seconds is None else round(frame.eta_seconds, 2),
            speed=None if frame.speed is None else round(frame.speed, 2),
            waits_for=ErrorCode(frame.waits_for) if frame.waits_for else None,
            upload=Upload.of(row),
        )


def _slot(upload: models.Upload, slot: Slot) -> ChunkSlot:
    return ChunkSlot(
        upload=upload,
        index=slot.index,
        offset=ByteSize(slot.offset),
        size=slot.size,
        received=slot.received,
    )


def _bytes(count: int | None) -> ByteSize | None:
    return None if count is None else ByteSize(count)
