"""``cloudkeep ls`` and ``cloudkeep search`` on a real server."""

import json
import re

import pytest

from cloudkeep.client.drive.changes import make_folders, remove
from cloudkeep.client.drive.drive import Drive
from cloudkeep.client.drive.listing import Format, list_items, list_trash, search
from cloudkeep.client.errors import ItemFailed
from tests.cloudkeep.client.drive.conftest import put
from tests.support.server import Api

pytestmark = pytest.mark.asyncio(loop_scope="module")
Capture = pytest.CaptureFixture[str]


async def test_names_are_listed_one_a_line_with_folders_first(drive: Drive, owner: Api, capsys: Capture) -> None:
    await put(owner, drive, "/b.txt", b"12345")
    await make_folders(drive, ["/z/y"], with_parents=True)
    assert await list_items(drive, "/", Format(), is_recursive=False) == 0
    assert capsys.readouterr().out == "z\nb.txt\n"
    await list_items(drive, "/", Format(is_path=True), is_recursive=True)
    assert capsys.readouterr().out == "/z\n/b.txt\n/z/y\n"


async def test_a_long_line_has_size_time_id_and_name(drive: Drive, owner: Api, capsys: Capture) -> None:
    file = await put(owner, drive, "/b.txt", b"12345")
    await list_items(drive, file.id, Format(is_long=True), is_recursive=False)
    line = capsys.readouterr().out
    assert re.fullmatch(rf" +5  \d{{4}}-\d\d-\d\d \d\d:\d\d  {file.id} *  b\.txt\n", line)


async def test_json_is_an_array_also_if_it_is_empty(drive: Drive, owner: Api, capsys: Capture) -> None:
    await list_items(drive, "/", Format(is_json=True), is_recursive=False)
    assert json.loads(capsys.readouterr().out) == []
    await put(owner, drive, "/a/b.txt", b"12345")
    await list_items(drive, "/", Format(is_json=True), is_recursive=True)
    found = json.loads(capsys.readouterr().out)
    assert [(item["kind"], item["path"], item["size"]) for item in found] == [
        ("FOLDER", "/a", None),
        ("FILE", "/a/b.txt", 5),
    ]


async def test_more_than_a_page_is_listed(drive: Drive, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cloudkeep.client.drive.drive.PAGE_SIZE", 2)
    await make_folders(drive, [f"/{number}" for number in range(5)], with_parents=False)
    await list_items(drive, "/", Format(), is_recursive=False)
    assert capsys.readouterr().out.splitlines() == [str(number) for number in range(5)]


async def test_the_trash_is_listed_by_former_paths(drive: Drive, capsys: Capture) -> None:
    await make_folders(drive, ["/a/b"], with_parents=True)
    await remove(drive, ["/a/b"], permanently=False)
    await list_trash(drive, Format(is_path=True))
    assert capsys.readouterr().out == "/a/b\n"


async def test_what_does_not_exist_is_named(drive: Drive) -> None:
    with pytest.raises(ItemFailed, match=r"^/missing: there is no such file or folder"):
        await list_items(drive, "/missing", Format(), is_recursive=False)


async def test_items_are_found_by_words(drive: Drive, capsys: Capture) -> None:
    await make_folders(drive, ["/Summer holiday", "/a/Holiday photos of summer", "/Winter"], with_parents=True)
    assert await search(drive, "holi summ", Format(is_path=True), 100) == 0
    assert capsys.readouterr().out.splitlines() == ["/a/Holiday photos of summer", "/Summer holiday"]
    await search(drive, "holiday", Format(is_path=True), 1)
    printed = capsys.readouterr()
    assert printed.out.splitlines() == ["/a/Holiday photos of summer"]
    assert printed.err == "cloudkeep: there are more than 1; --limit shows more of them\n"
