"""The media facts of a new file: they never decide whether it is stored."""

import asyncio
import errno
import os
import resource
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from storage.blobs import LocalBlobStore
from storage.drive.models import FileVersion
from storage.errors import BlobNotFound, NoSpace
from storage.jobs.models import JobKind
from storage.uploads.models import Upload, UploadStatus
from tests.support.clips import bikes
from tests.support.waiting import eventually
from tests.workers.conftest import Start, full_upload
from tests.workers.uploads.test_reassemble import claim
from workers.job_context import JobContext
from workers.media import probe
from workers.media.compress import compress
from workers.media.tools import Toolbox
from workers.uploads.media_facts import facts_of
from workers.uploads.reassemble import reassemble

#: What may become of ffprobe, as a program that stands in for it.
BROKEN = {
    "killed": "#!/bin/sh\nkill -9 $$\n",
    "crashes": "#!/bin/sh\nkill -SEGV $$\n",
    "cannot load its libraries": "#!/bin/sh\nexit 127\n",
    "answers nothing": "#!/bin/sh\nexit 0\n",
    "answers garbage": "#!/bin/sh\necho '{\"streams\": '\n",
    "answers bytes": "#!/bin/sh\nprintf '\\377\\376\\000'\n",
    "answers another type": "#!/bin/sh\necho '[1]'\n",
    "answers other types within": '#!/bin/sh\necho \'{"format": 5, "streams": [7, null]}\'\n',
    "answers too deep": "#!/bin/sh\nhead -c 200000 /dev/zero | tr '\\0' '['\n",
    "is no program": "\x7fELF",
    "is for another system": "#!/no/such/interpreter\n",
}


def program(folder: Path, text: str, mode: int = 0o755) -> str:
    path = folder / "stand-in"
    path.write_text(text)
    path.chmod(mode)
    return str(path)


def with_tools(context: JobContext, **paths: str) -> JobContext:
    return replace(context, tools=replace(context.tools, **paths))


async def require_stored_without_facts(upload: Upload, context: JobContext) -> None:
    await upload.refresh_from_db()
    assert (upload.status, upload.error_code) == (UploadStatus.READY, None)
    assert (await FileVersion.get()).media is None
    assert context.counters.probe_failures == 1


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN)
async def test_a_file_is_stored_without_facts_whatever_becomes_of_ffprobe(
    context: JobContext, store: LocalBlobStore, tmp_path: Path, text: str
) -> None:
    upload, broken = (
        await full_upload(store, bikes().read_bytes()),
        with_tools(context, ffprobe=program(tmp_path, text)),
    )
    await reassemble(await claim(), broken)
    await require_stored_without_facts(upload, broken)


@pytest.mark.parametrize("mode", [0o644, None], ids=["may not be run", "missing"])
async def test_a_file_is_stored_without_facts_if_there_is_no_ffprobe(
    context: JobContext, store: LocalBlobStore, tmp_path: Path, mode: int | None
) -> None:
    path = str(tmp_path / "missing") if mode is None else program(tmp_path, "#!/bin/sh\n", mode)
    upload, broken = await full_upload(store, bikes().read_bytes()), with_tools(context, ffprobe=path)
    await reassemble(await claim(), broken)
    await require_stored_without_facts(upload, broken)


async def test_a_file_is_stored_without_facts_if_ffprobe_takes_too_long(
    context: JobContext, store: LocalBlobStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probe, "TIMEOUT_SECONDS", 0.05)
    upload = await full_upload(store, bikes().read_bytes())
    slow = with_tools(context, ffprobe=program(tmp_path, "#!/bin/sh\nexec sleep 60\n"))
    await reassemble(await claim(), slow)
    await require_stored_without_facts(upload, slow)


async def test_a_file_is_stored_without_facts_if_no_process_can_be_started(
    context: JobContext, store: LocalBlobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: object, **__: object) -> None:
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    monkeypatch.setattr(asyncio, "create_subprocess_exec", refuse)
    upload = await full_upload(store, bikes().read_bytes())
    await reassemble(await claim(), context)
    await require_stored_without_facts(upload, context)


async def test_a_file_is_stored_without_facts_if_ffprobe_has_too_little_memory(
    context: JobContext, store: LocalBlobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.media.guard._memory", lambda: resource.getpagesize())
    upload = await full_upload(store, bikes().read_bytes())
    await reassemble(await claim(), context)
    await upload.refresh_from_db()
    assert (upload.status, (await FileVersion.get()).media) == (UploadStatus.READY, None)


class FullScratch:
    """A store like S3, which copies a blob to the scratch folder to probe it, while that folder has no space."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    @asynccontextmanager
    async def local_path(self, *_: object) -> AsyncIterator[Path]:
        raise self._error
        yield Path()


@pytest.mark.parametrize("error", [NoSpace("full"), OSError(errno.EIO, "a broken disk")])
async def test_a_scratch_folder_that_cannot_be_used_costs_only_the_facts(context: JobContext, error: Exception) -> None:
    store: Any = FullScratch(error)
    assert await facts_of("key", replace(context, store=store)) is None
    assert context.counters.probe_failures == 1


async def test_bytes_that_the_store_has_lost_are_not_called_a_file_without_facts(context: JobContext) -> None:
    with pytest.raises(BlobNotFound):
        await facts_of("01a22c51-0000-7000-8000-000000000000", context)


async def test_what_is_no_media_is_no_failure_of_the_probe(context: JobContext, store: LocalBlobStore) -> None:
    await full_upload(store, b"This is text." * 100)
    await reassemble(await claim(), context)
    assert ((await FileVersion.get()).media, context.counters.probe_failures) == (None, 0)


@pytest.mark.parametrize("tool", ["ffprobe", "ffmpeg"])
async def test_a_broken_program_fails_only_the_compression_which_can_be_retried(
    context: JobContext, store: LocalBlobStore, start: Start, tmp_path: Path, tool: str
) -> None:
    upload = await full_upload(store, bikes().read_bytes(), compress={"preset": "FAST", "max_height": 144})
    await reassemble(await claim(), context)
    broken = with_tools(context, **{tool: str(tmp_path / "missing")})
    attempts: list[int] = []

    async def handler(job: Any) -> None:
        attempts.append(job.attempts)
        await compress(job, broken)

    async with start(handler, JobKind.COMPRESS, attempts=2):
        ready = await eventually(lambda: Upload.get_or_none(id=upload.id, status=UploadStatus.READY))
    assert (ready.error_code, ready.error_message) == ("COMPRESSION_FAILED", "Gave up after 2 attempts.")
    assert (attempts, ready.version_id is not None) == ([1, 2], True)


async def test_a_crash_of_ffprobe_does_not_mean_that_a_file_is_no_video(context: JobContext, tmp_path: Path) -> None:
    tools = Toolbox(context.tools.ffmpeg, program(tmp_path, BROKEN["killed"]))
    with pytest.raises(probe.ProbeFailed, match="was ended by SIGKILL"):
        await probe.probe(bikes(), tools)
