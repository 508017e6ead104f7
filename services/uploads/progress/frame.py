"""Frames of an upload's progress: from numbers, from rows, and from events."""

from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from storage.jobs.models import Job, JobState
from storage.progress_stream import Event
from storage.uploads.models import Upload, UploadStatus

#: The cursor before every event.
START = "0-0"


@dataclass(frozen=True)
class ProgressFrame:
    """The progress of an upload at one moment.

    ``percent`` is that of the stage, 0 to 100. ``speed`` is in bytes per second, or a multiple of real time during
    compression. ``eta_seconds`` is the time to the end of the stage; it is added for each watcher by
    :class:`services.uploads.progress.throttle.FrameThrottle`. ``waits_for`` is the code of the resource that the work
    waits for. ``cursor`` is that of the frame's event.
    """

    upload_id: UUID
    stage: UploadStatus
    percent: float
    bytes_done: int | None = None
    bytes_total: int | None = None
    eta_seconds: float | None = None
    speed: float | None = None
    cursor: str = START
    waits_for: str | None = None

    def to_payload(self) -> dict[str, Any]:
        """The frame as a JSON object, without the fields of its event."""
        return {
            "stage": self.stage.value,
            "percent": self.percent,
            "bytesDone": self.bytes_done,
            "bytesTotal": self.bytes_total,
            "speed": self.speed,
            "waitsFor": self.waits_for,
        }


def receiving_frame(upload_id: UUID, received_bytes: int, size: int) -> ProgressFrame:
    """The frame of an upload that has received this many of its ``size`` bytes."""
    return bytes_frame(upload_id, UploadStatus.RECEIVING, received_bytes, size)


def bytes_frame(
    upload_id: UUID, stage: UploadStatus, done: int, total: int, speed: float | None = None
) -> ProgressFrame:
    """The frame of a stage with ``done`` of ``total`` bytes, at ``speed`` bytes per second if known."""
    return ProgressFrame(upload_id, stage, 100.0 * done / total, done, total, speed=speed)


def final_frame(upload: Upload) -> ProgressFrame:
    """The frame of an upload that has ended."""
    percent = 100.0 if upload.status is UploadStatus.READY else 0.0
    return ProgressFrame(upload.id, upload.status, percent, upload.size if percent else None, upload.size)


def job_frame(upload: Upload, job: Job | None) -> ProgressFrame:
    """The frame of an upload that a worker's job drives."""
    payload = {"stage": upload.status.value, "percent": 0.0, **((job and job.progress) or {})}
    frame = _parse_payload(upload.id, payload, START)
    if job and job.state is JobState.QUEUED and job.error_code:
        return replace(frame, speed=None, waits_for=job.error_code)
    return frame


def event_frame(upload_id: UUID, event: Event) -> ProgressFrame:
    """The frame that was published as an event."""
    return _parse_payload(upload_id, event.payload, event.cursor)


def _parse_payload(upload_id: UUID, payload: dict[str, Any], cursor: str) -> ProgressFrame:
    return ProgressFrame(
        upload_id,
        UploadStatus(payload["stage"]),
        payload["percent"],
        payload.get("bytesDone"),
        payload.get("bytesTotal"),
        speed=payload.get("speed"),
        cursor=cursor,
        waits_for=payload.get("waitsFor"),
    )
