"""The media type of a new file is that of its content, on a disk and on S3."""

from pathlib import Path

import pytest

from services.media.content_types.media_types import UNKNOWN_TYPE
from services.media.content_types.names import by_name
from storage.blobs import LocalBlobStore
from storage.drive.models import FileKind, FileVersion, Item, ItemKind
from storage.uploads import job_results
from storage.uploads.models import Upload
from tests.services.media.content_types.samples import CERTAIN, OFFICE
from tests.support.clips import bikes
from tests.workers.conftest import full_upload
from tests.workers.uploads import s3_uploads
from tests.workers.uploads.test_media_facts import program, with_tools
from tests.workers.uploads.test_reassemble import claim
from workers.job_context import JobContext
from workers.uploads import media_facts
from workers.uploads.reassemble import reassemble

PNG = CERTAIN["image/png"][0]


async def stored() -> tuple[str, FileKind | None]:
    """The type and the kind of the only file."""
    version, item = await FileVersion.get(), await Item.get(kind=ItemKind.FILE)
    return version.mime_type, item.file_kind


CASES = [
    ("clip.ts", "text/vnd.trolltech.linguist", CERTAIN["video/mp2t"][0], "video/mp2t", FileKind.VIDEO),
    ("clip.mts", "model/vnd.mts", CERTAIN["video/mp2t"][1], "video/mp2t", FileKind.VIDEO),
    ("clip.3gp", "audio/3gpp", CERTAIN["video/3gpp"][0], "video/3gpp", FileKind.VIDEO),
    ("clip.mp4.gz", "video/mp4", CERTAIN["application/gzip"][0], "application/gzip", FileKind.ARCHIVE),
    ("logo.svgz", "image/svg+xml", CERTAIN["application/gzip"][0], "application/gzip", FileKind.ARCHIVE),
    ("a.mp4.xz", "video/mp4", CERTAIN["application/x-xz"][0], "application/x-xz", FileKind.ARCHIVE),
    ("photo.mp4", "video/mp4", PNG, "image/png", FileKind.IMAGE),
    ("report.zip", "application/zip", CERTAIN[OFFICE + "wordprocessingml.document"][0], None, FileKind.DOCUMENT),
    ("data", "application/x-own", b"\0\1\2\3", "application/x-own", FileKind.OTHER),
]


@pytest.mark.parametrize(("name", "declared", "content", "mime_type", "kind"), CASES, ids=[case[0] for case in CASES])
async def test_the_content_decides(
    context: JobContext,
    store: LocalBlobStore,
    name: str,
    declared: str,
    content: bytes,
    mime_type: str | None,
    kind: FileKind,
) -> None:
    """The client's type is a hint. The row of the upload has the same type as the file."""
    upload = await full_upload(store, content, file_name=name, mime_type=declared)
    await reassemble(await claim(), context)
    expected = mime_type or OFFICE + "wordprocessingml.document"
    assert await stored() == (expected, kind)
    assert (await Upload.get(id=upload.id)).mime_type == expected


async def test_the_content_decides_on_s3(on_s3: JobContext) -> None:
    """The first bytes are read from the sealed object."""
    upload = await s3_uploads.begun(on_s3, PNG, file_name="photo.mp4", mime_type="video/mp4")
    await s3_uploads.fill(on_s3, upload, PNG)
    await s3_uploads.work(on_s3)
    assert await stored() == ("image/png", FileKind.IMAGE)


@pytest.fixture
def ffprobe_runs(context: JobContext, tmp_path: Path) -> tuple[JobContext, Path]:
    """A worker whose ffprobe notes each run in a file."""
    noted = tmp_path / "runs"
    text = f'#!/bin/sh\necho run >> {noted}\nexec {context.tools.ffprobe} "$@"\n'
    return with_tools(context, ffprobe=program(tmp_path, text)), noted


@pytest.mark.parametrize("mime_type", ["text/html", "image/png", "application/pdf", "application/zip"])
async def test_what_is_certainly_no_media_is_not_probed(
    ffprobe_runs: tuple[JobContext, Path], store: LocalBlobStore, mime_type: str
) -> None:
    """Starting ffprobe takes longer than everything else that is done for a small file."""
    counting, noted = ffprobe_runs
    await full_upload(store, CERTAIN[mime_type][0], file_name="clip.mp4")
    await reassemble(await claim(), counting)
    assert (await FileVersion.get()).media is None
    assert not noted.exists()


@pytest.mark.parametrize("content", [bikes().read_bytes(), b"\0\1\2\3" * 20_000], ids=["video", "unknown"])
async def test_what_may_be_media_is_probed(
    ffprobe_runs: tuple[JobContext, Path], store: LocalBlobStore, content: bytes
) -> None:
    """Also a file with an unknown type."""
    counting, noted = ffprobe_runs
    await full_upload(store, content, file_name="data")
    await reassemble(await claim(), counting)
    assert noted.read_text() == "run\n"


@pytest.mark.parametrize(("name", "is_probed"), [("data", False), ("data.bin", False), ("sound.mp3", True)])
async def test_a_small_file_of_unknown_content_is_probed_for_its_name(
    ffprobe_runs: tuple[JobContext, Path], store: LocalBlobStore, name: str, is_probed: bool
) -> None:
    counting, noted = ffprobe_runs
    upload = await full_upload(store, b"\0\1\2\3", file_name=name)
    await Upload.filter(id=upload.id).update(mime_type=by_name(name) or UNKNOWN_TYPE)
    await reassemble(await claim(), counting)
    assert noted.exists() is is_probed


async def test_a_file_is_stored_even_if_its_content_cannot_be_examined(
    context: JobContext, store: LocalBlobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its name decides then. Verified bytes are never lost to a parser."""

    def fail(*_: object, **__: object) -> None:
        raise RecursionError

    monkeypatch.setattr(media_facts, "examine", fail)
    await full_upload(store, PNG, file_name="photo.png")
    await reassemble(await claim(), context)
    assert await stored() == ("image/png", FileKind.IMAGE)
    assert context.counters.probe_failures == 1


async def test_an_adopted_file_keeps_its_type(context: JobContext, store: LocalBlobStore) -> None:
    """The record beside the bytes has it, although the upload's row of an older database has another one."""
    upload = await full_upload(store, PNG, file_name="photo.mp4", mime_type="video/mp4")
    job = await claim()
    with pytest.MonkeyPatch.context() as patches:
        patches.setattr(job_results, "publish", failing)
        with pytest.raises(ConnectionError):
            await reassemble(job, context)
    await context.store.publish(upload.staging_area)
    await reassemble(job, context)
    assert await stored() == ("image/png", FileKind.IMAGE)


async def failing(*_: object, **__: object) -> None:
    """The database is away."""
    raise ConnectionError
