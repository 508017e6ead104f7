"""The progress of uploads."""

from enum import Enum

import strawberry

from resolvers import uploads
from resolvers.uploads import WatchedFrame
from schema.changes.types import ActivityEvent
from schema.error_codes import WaitReason
from schema.relay.node import RequestInfo
from schema.scalars import ByteSize
from schema.scopes.directives import READ_OR_UPLOAD
from schema.uploads.types import Upload


@strawberry.enum(description="The current stage of an upload, or how it ended.")
class UploadStage(Enum):
    RECEIVING = strawberry.enum_value("RECEIVING", description="Chunks arrive.")
    REASSEMBLING = strawberry.enum_value("REASSEMBLING", description="The server is verifying and storing the file.")
    COMPRESSING = strawberry.enum_value("COMPRESSING", description="The server is compressing the video.")
    READY = strawberry.enum_value("READY", description="The upload is finished: see `Upload.file`.")
    FAILED = strawberry.enum_value("FAILED", description="The file could not be stored: see `Upload.error`.")
    ABORTED = strawberry.enum_value("ABORTED", description="The owner aborted the upload.")
    EXPIRED = strawberry.enum_value("EXPIRED", description="No chunk arrived for too long.")


@strawberry.type(description="The progress of an upload at one moment.")
class UploadProgress(ActivityEvent):
    frame: strawberry.Private[WatchedFrame]
    stage: UploadStage = strawberry.field(description="The stage of the upload.")
    percent: float = strawberry.field(
        description="The percentage of the stage that is done: 0 to 100. It never decreases within a stage."
    )
    bytes_done: ByteSize | None = strawberry.field(
        description="The bytes that have arrived (RECEIVING) or are verified (REASSEMBLING); null if that is unknown."
    )
    bytes_total: ByteSize | None = strawberry.field(
        description="The number of bytes that `bytesDone` rises to; null if `percent` does not count bytes."
    )
    eta_seconds: float | None = strawberry.field(
        description="The estimated time until the stage ends, in seconds; null while there is no good estimate."
    )
    speed: float | None = strawberry.field(
        description="The speed in bytes per second; for COMPRESSING, a multiple of real time: at 2.0, a video of 60 "
        "seconds takes 30. It is null if the speed is unknown."
    )
    waits_for: WaitReason | None = strawberry.field(
        description="Why the server cannot continue at the moment; null if it can."
    )

    @strawberry.field(description="The upload as it is now.", directives=[READ_OR_UPLOAD])
    async def upload(self, info: RequestInfo) -> Upload:
        return Upload.of(await uploads.upload_of_frame(info.context, self.frame))

    @classmethod
    def of(cls, watched: WatchedFrame, cursor: str | None = None) -> "UploadProgress":
        """The GraphQL form of a frame. ``cursor``: that of the activity, if not the one of the upload's progress."""
        frame = watched.progress
        return cls(
            frame=watched,
            cursor=cursor or frame.cursor,
            stage=UploadStage(frame.stage.value),
            percent=round(frame.percent, 2),
            bytes_done=_bytes(frame.bytes_done),
            bytes_total=_bytes(frame.bytes_total),
            eta_seconds=None if frame.eta_seconds is None else round(frame.eta_seconds, 2),
            speed=None if frame.speed is None else round(frame.speed, 2),
            waits_for=WaitReason.of(frame.waits_for),
        )


def _bytes(count: int | None) -> ByteSize | None:
    return None if count is None else ByteSize(count)
