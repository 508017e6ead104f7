"""The progress of uploads."""

from enum import Enum

import strawberry

from schema.error_codes import WaitReason
from schema.scalars import ByteSize
from schema.uploads.types import Upload
from services.uploads.progress_frame import ProgressFrame
from storage.uploads import models


@strawberry.enum(description="What is done with an upload at the moment, or how it ended.")
class UploadStage(Enum):
    RECEIVING = strawberry.enum_value("RECEIVING", description="Chunks arrive.")
    REASSEMBLING = strawberry.enum_value("REASSEMBLING", description="The file is verified and stored.")
    COMPRESSING = strawberry.enum_value("COMPRESSING", description="The video is compressed.")
    READY = strawberry.enum_value("READY", description="Everything is done.")
    FAILED = strawberry.enum_value("FAILED", description="The file could not be stored.")
    ABORTED = strawberry.enum_value("ABORTED", description="The owner aborted the upload.")
    EXPIRED = strawberry.enum_value("EXPIRED", description="No chunk arrived for too long.")


@strawberry.type(description="The progress of an upload at one moment.")
class UploadProgress:
    cursor: str = strawberry.field(description="The position in the stream: pass it as `after` to continue from here.")
    stage: UploadStage = strawberry.field(description="What is done with the upload.")
    percent: float = strawberry.field(
        description="How much of the stage is done, from 0 to 100. It never falls within a stage."
    )
    bytes_done: ByteSize | None = strawberry.field(
        description="The bytes that arrived or were verified; null for other stages."
    )
    bytes_total: ByteSize | None = strawberry.field(
        description="The size of the file, in bytes; null for other stages."
    )
    eta_seconds: float | None = strawberry.field(
        description="The estimated time to the end of the stage, in seconds; null while there is no good estimate."
    )
    speed: float | None = strawberry.field(
        description="Bytes per second. For COMPRESSING, a multiple of the speed at which the video plays."
    )
    waits_for: WaitReason | None = strawberry.field(
        description="Why the work waits; null while it does not. It continues by itself."
    )
    upload: Upload = strawberry.field(description="The upload as it is now.")

    @classmethod
    def of(cls, frame: ProgressFrame, row: models.Upload) -> "UploadProgress":
        """The GraphQL form of a frame."""
        return cls(
            cursor=frame.cursor,
            stage=UploadStage(frame.stage.value),
            percent=round(frame.percent, 2),
            bytes_done=_bytes(frame.bytes_done),
            bytes_total=_bytes(frame.bytes_total),
            eta_seconds=None if frame.eta_seconds is None else round(frame.eta_seconds, 2),
            speed=None if frame.speed is None else round(frame.speed, 2),
            waits_for=WaitReason.of(frame.waits_for),
            upload=Upload.of(row),
        )


def _bytes(count: int | None) -> ByteSize | None:
    return None if count is None else ByteSize(count)
