"""The operations of a drive."""

import pytest

from cloudkeep.client.drive import documents
from cloudkeep.client.drive.changes import make_folders
from cloudkeep.client.drive.drive import Drive

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_tree_is_listed_by_the_page(drive: Drive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cloudkeep.client.drive.drive.PAGE_SIZE", 2)
    await make_folders(drive, ["/a/x", "/b", "/c/y/z", "/d"], with_parents=True)
    execute, requests = drive.session.execute, list[str]()

    async def counted(document: str, **variables: object) -> object:
        requests.append(document)
        return await execute(document, **variables)

    root = await drive.find("/")
    monkeypatch.setattr(drive.session, "execute", counted)
    listed = [(item.path, requests.count(documents.ITEMS)) async for item in drive.tree(root)]
    assert listed[:4] == [("/a", 1), ("/b", 1), ("/c", 2), ("/d", 2)]
    assert [path for path, _ in listed[4:]] == ["/a/x", "/c/y", "/c/y/z"]
