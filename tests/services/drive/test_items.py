"""Folders and files for their owner."""

from uuid import UUID, uuid4

from storage.database.pages import Window
from storage.drive.models import Blob, Rendition, RenditionKind
from tests.services.conftest import Bench
from tests.services.drive.test_downloads import a_file
from tests.support.server import digest


async def test_a_page_has_the_files_of_one_account_alone(bench: Bench, ada: UUID, bob: UUID) -> None:
    version = await a_file(ada)
    assert await bench.items.find(version.item_id) == version.item
    assert await bench.items.files_page(ada, Window(9)) == [version.item]
    assert await bench.items.files_page(bob, Window(9)) == []


async def test_pages_go_from_the_newest_to_the_oldest(bench: Bench, ada: UUID, bob: UUID) -> None:
    files = [(await a_file(ada, f"{number}")).item for number in range(5)]
    await a_file(bob)
    assert [file.name for file in await bench.items.files_page(ada, Window(2))] == ["4", "3"]
    assert [file.name for file in await bench.items.files_page(ada, Window(9, after=files[3].id))] == ["2", "1", "0"]


async def test_a_page_can_be_the_last_one_before_a_file(bench: Bench, ada: UUID) -> None:
    files = [(await a_file(ada, f"{number}")).item for number in range(5)]
    window = Window(2, before=files[1].id, backwards=True)
    assert [file.name for file in await bench.items.files_page(ada, window)] == ["3", "2"]
    assert await bench.items.count_files(ada) == 5


async def test_renditions_come_with_their_versions(bench: Bench, ada: UUID) -> None:
    plain, compressed = await a_file(ada), await a_file(ada)
    blob = await Blob.create(key="r", size=3, sha256=digest(b"abc"))
    rendition = await Rendition.create(
        version=compressed, kind=RenditionKind.COMPRESSED_VIDEO, mime_type="video/mp4", blob=blob
    )
    assert await bench.items.renditions_of([plain.id, compressed.id]) == {plain.id: [], compressed.id: [rendition]}
    assert set(await bench.items.find_versions([plain.id, uuid4()])) == {plain.id}
