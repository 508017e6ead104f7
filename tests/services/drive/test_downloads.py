"""The bytes of versions and renditions."""

from uuid import UUID, uuid4

import pytest

from services.core.errors import NotFound
from storage.drive.models import Blob, FileVersion, Rendition, RenditionKind
from tests.services.conftest import Bench
from tests.storage.rows import new_version
from tests.support.server import digest

CONTENT = bytes(range(256)) * 10_000


async def a_file(owner: UUID, name: str = "clip.mov") -> FileVersion:
    blob = await Blob.create(key=str(uuid4()), size=len(CONTENT), sha256=digest(CONTENT))
    return await new_version(owner, blob, name, "video/quicktime")


@pytest.mark.parametrize(
    ("name", "called"),
    [
        ("clip.mov", "clip.compressed.mp4"),
        ("clip", "clip.compressed.mp4"),
        (".mov", ".mov.compressed.mp4"),
        ("a" * 251 + ".mov", "a" * 240 + ".compressed.mp4"),
    ],
)
async def test_a_rendition_is_named_after_its_file(bench: Bench, ada: UUID, name: str, called: str) -> None:
    blob = await Blob.create(key="r", size=3, sha256=digest(b"abc"))
    rendition = await Rendition.create(
        version=await a_file(ada, name), kind=RenditionKind.COMPRESSED_VIDEO, mime_type="video/mp4", blob=blob
    )
    content = await bench.downloads.rendition(rendition.id)
    assert (content.name, content.mime_type, content.size) == (called, "video/mp4", 3)


async def test_unknown_content_is_not_found(bench: Bench) -> None:
    for find in (bench.downloads.version, bench.downloads.rendition):
        with pytest.raises(NotFound):
            await find(uuid4())


@pytest.mark.parametrize(("start", "length"), [(0, len(CONTENT)), (0, 1), (1_048_570, 20), (2_559_999, 1)])
async def test_content_is_read_in_any_part(bench: Bench, ada: UUID, start: int, length: int) -> None:
    file = await a_file(ada)
    key = file.blob.key
    await bench.store.stage(key, len(CONTENT))
    async with bench.store.slot(key, 0, len(CONTENT)) as writer:
        await writer.write([CONTENT])
        await writer.finish()
    await bench.store.publish(key)
    content = await bench.downloads.version(file.id)
    read = b"".join([block async for block in bench.downloads.read(content, start, length)])
    assert read == CONTENT[start : start + length]


async def test_bytes_that_the_store_lost_are_not_found(bench: Bench, ada: UUID) -> None:
    content = await bench.downloads.version((await a_file(ada)).id)
    with pytest.raises(NotFound, match="missing on the server"):
        await anext(bench.downloads.read(content, 0, 1))
