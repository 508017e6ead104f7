"""Files and renditions: access and downloads."""

from uuid import UUID, uuid4

import pytest

from services.core.errors import NotFound
from storage.database.pages import Window
from storage.drive.models import Blob, FileVersion, Rendition, RenditionKind
from tests.services.conftest import Bench
from tests.storage.rows import new_version
from tests.support.server import digest

CONTENT = bytes(range(256)) * 10_000


async def a_file(owner: UUID, name: str = "clip.mov") -> FileVersion:
    blob = await Blob.create(key=str(uuid4()), size=len(CONTENT), sha256=digest(CONTENT))
    return await new_version(owner, blob, name, "video/quicktime")


async def test_a_page_has_the_files_of_one_account_alone(bench: Bench, ada: UUID, bob: UUID) -> None:
    file = await a_file(ada)
    assert await bench.files.find(file.id) == file
    assert await bench.files.page(ada, Window(9)) == [file]
    assert await bench.files.page(bob, Window(9)) == []


async def test_pages_go_from_the_newest_to_the_oldest(bench: Bench, ada: UUID, bob: UUID) -> None:
    files = [await a_file(ada, f"{number}") for number in range(5)]
    await a_file(bob)
    assert [file.name for file in await bench.files.page(ada, Window(2))] == ["4", "3"]
    assert [file.name for file in await bench.files.page(ada, Window(9, after=files[3].id))] == ["2", "1", "0"]


async def test_a_page_can_be_the_last_one_before_a_file(bench: Bench, ada: UUID) -> None:
    files = [await a_file(ada, f"{number}") for number in range(5)]
    window = Window(2, before=files[1].id, backwards=True)
    assert [file.name for file in await bench.files.page(ada, window)] == ["3", "2"]
    assert await bench.files.count(ada) == 5


async def test_renditions_come_with_their_files(bench: Bench, ada: UUID) -> None:
    plain, compressed = await a_file(ada), await a_file(ada)
    blob = await Blob.create(key="r", size=3, sha256=digest(b"abc"))
    rendition = await Rendition.create(
        file=compressed, kind=RenditionKind.COMPRESSED_VIDEO, mime_type="video/mp4", blob=blob
    )
    assert await bench.files.renditions_of([plain.id, compressed.id]) == {plain.id: [], compressed.id: [rendition]}
    assert set(await bench.files.find_many([plain.id, uuid4()])) == {plain.id}


@pytest.mark.parametrize(
    ("name", "called"),
    [("clip.mov", "clip.compressed.mp4"), ("clip", "clip.compressed.mp4"), (".mov", ".mov.compressed.mp4")],
)
async def test_a_rendition_is_named_after_its_file(bench: Bench, ada: UUID, name: str, called: str) -> None:
    blob = await Blob.create(key="r", size=3, sha256=digest(b"abc"))
    rendition = await Rendition.create(
        file=await a_file(ada, name), kind=RenditionKind.COMPRESSED_VIDEO, mime_type="video/mp4", blob=blob
    )
    content = await bench.files.rendition_content(rendition.id)
    assert (content.name, content.mime_type, content.size) == (called, "video/mp4", 3)


async def test_unknown_content_is_not_found(bench: Bench) -> None:
    for find in (bench.files.content, bench.files.rendition_content):
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
    content = await bench.files.content(file.id)
    read = b"".join([block async for block in bench.files.read(content, start, length)])
    assert read == CONTENT[start : start + length]


async def test_bytes_that_the_store_lost_are_not_found(bench: Bench, ada: UUID) -> None:
    content = await bench.files.content((await a_file(ada)).id)
    with pytest.raises(NotFound, match="missing on the server"):
        await anext(bench.files.read(content, 0, 1))
