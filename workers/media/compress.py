"""Compression: adds a rendition beside the original, which stays unchanged."""

import asyncio
import time
from functools import partial
from pathlib import Path

from services.core.clock import now
from services.core.errors import ErrorCode
from services.maintenance.garbage import derived_key
from services.media.errors import CompressionFailed, NotAVideo
from services.media.types import Compression, MediaFacts
from services.uploads.progress.frame import ProgressFrame
from storage.blobs import BLOCK, ContentHash, require_free_space
from storage.drive import versions
from storage.drive.models import FileVersion
from storage.errors import NoSpace, StateChanged
from storage.jobs.models import Job, JobKind
from storage.tracing import span
from storage.uploads import job_results
from storage.uploads import uploads as rows
from storage.uploads.models import Upload, UploadStatus
from workers.job_context import JobContext
from workers.job_type import JobType
from workers.media.command import compress_command
from workers.media.encode import EncodeProgress, encode
from workers.media.probe import NotMedia, TooManyStreams, probe
from workers.uploads.upload_jobs import UPLOAD_ID, ProgressReporter, fail_upload, publish_status

MIME_TYPE = "video/mp4"
#: A rendition may be this much shorter or longer than its source: containers round to frames and audio packets.
DURATION_TOLERANCE = 0.05
DURATION_SLACK_SECONDS = 1.0


async def compress(job: Job, context: JobContext) -> None:
    """Add the requested rendition.

    Raises :class:`NotAVideo`, :class:`CompressionFailed`, :class:`NoSpace` if there is less space than the result may
    need, :class:`StateChanged` if the lease was lost, and :class:`workers.media.probe.ProbeFailed` or ``OSError`` if
    ffprobe or ffmpeg cannot be run.
    """
    upload = await rows.find(job.subject_id)
    version = await versions.find(upload.version_id) if upload and upload.version_id else None
    if not upload or not version or not upload.compress:
        return
    # The result is rarely larger than its original.
    await asyncio.to_thread(require_free_space, context.scratch, version.blob.size, context.reserve)
    target = context.scratch / f"{job.lease_token}.mp4"
    try:
        await _encode(job, upload, version, target, context)
        await _publish(job, version, target, context)
    finally:
        await asyncio.to_thread(target.unlink, missing_ok=True)
    await context.progress.publish_snapshot(upload.id)


COMPRESS = JobType(
    kind=JobKind.COMPRESS,
    handler=compress,
    # The upload has its file, only without a rendition.
    on_failure=partial(fail_upload, status=UploadStatus.READY),
    failure_code=ErrorCode.COMPRESSION_FAILED,
    on_wait=publish_status,
    subject=UPLOAD_ID,
    # ffmpeg uses every processor by itself.
    concurrency=1,
)


async def _encode(job: Job, upload: Upload, version: FileVersion, target: Path, context: JobContext) -> None:
    reporter = ProgressReporter(job, context.progress, upload.account_id)

    async def report(progress: EncodeProgress) -> None:
        frame = ProgressFrame(
            upload.id,
            UploadStatus.COMPRESSING,
            progress.percent,
            speed=progress.speed,
        )
        await reporter.report(frame)

    compression = Compression.from_json(upload.compress or {})
    async with context.store.local_path(version.blob.key) as source:
        facts = await _video_facts(source, context)
        command = compress_command(context.tools, source, target, compression, facts)
        start = time.monotonic()
        try:
            with span("ffmpeg"):
                await encode(command, facts.duration, report, context.encode_stall_timeout)
        finally:
            context.counters.ffmpeg_seconds += time.monotonic() - start
    _require_same_length(facts, await _video_facts(target, context))


async def _publish(job: Job, version: FileVersion, target: Path, context: JobContext) -> None:
    # Each attempt has its own key: an attempt that lost its lease cannot overwrite the bytes of its successor.
    assert job.lease_token
    key = derived_key(job.lease_token)
    size, content = await asyncio.to_thread(_measure, target)
    await context.store.put(key, target)
    try:
        await job_results.add_rendition(
            job,
            version,
            mime_type=MIME_TYPE,
            blob_key=key,
            size=size,
            sha256=content.sha256,
            crc32=content.crc32,
            now=now(),
        )
    except (StateChanged, NoSpace):
        await context.store.delete(key)
        raise


async def _video_facts(path: Path, context: JobContext) -> MediaFacts:
    # A ProbeFailed is about this machine at the moment, not about the file, so the job is tried again.
    try:
        facts = await probe(path, context.tools)
    except TooManyStreams as error:
        raise NotAVideo(f"This video cannot be read. {error}") from error
    except NotMedia as error:
        raise NotAVideo("This file is not a video that can be read.") from error
    if not facts.is_video:
        raise NotAVideo("This file has no video in it.")
    return facts


def _require_same_length(source: MediaFacts, result: MediaFacts) -> None:
    if source.duration is None or result.duration is None:
        return
    if abs(source.duration - result.duration) > source.duration * DURATION_TOLERANCE + DURATION_SLACK_SECONDS:
        raise CompressionFailed("The compressed video does not have the length of the original, so it was discarded.")


def _measure(path: Path) -> tuple[int, ContentHash]:
    content = ContentHash()
    with path.open("rb", buffering=0) as file:
        while block := file.read(BLOCK):
            content.update(block)
        return file.tell(), content
