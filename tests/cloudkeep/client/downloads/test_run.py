"""Downloads while the drive changes."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from cloudkeep.client.api.graphql import GraphQL
from cloudkeep.client.api.session import Session
from cloudkeep.client.api.tokens import GivenToken
from cloudkeep.client.downloads.run import download
from cloudkeep.client.drive.drive import Drive, OnGone
from cloudkeep.client.drive.items import RemoteItem
from cloudkeep.client.drive.run import note
from tests.cloudkeep.client.conftest import QUICK
from tests.cloudkeep.client.drive.conftest import put
from tests.support.server import Api

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def drive(client: httpx.AsyncClient, server: str, token: str) -> Drive:
    """The drive of the signed-in user."""
    return Drive(Session(GraphQL(client, server), GivenToken(token)), note, QUICK)


def delete_after_first_look(drive: Drive, victim: RemoteItem, monkeypatch: pytest.MonkeyPatch) -> None:
    """Delete an item as soon as the next command has found its item."""
    find = drive.find

    async def found(place: str) -> RemoteItem:
        item = await find(place)
        await drive.delete([victim])
        return item

    monkeypatch.setattr(drive, "find", found)


@pytest.mark.parametrize("place", ["/top/a.txt", "/top"])
async def test_what_is_deleted_meanwhile_is_named_and_is_a_failure(
    drive: Drive,
    client: httpx.AsyncClient,
    api: Api,
    place: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Capture,
    worker: None,
) -> None:
    await put(api, drive, "/top/a.txt", b"1")
    delete_after_first_look(drive, await drive.find(place), monkeypatch)
    assert await download(drive, client, place, str(tmp_path / "new"), overwrite=False) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert f": {place}: was deleted meanwhile" in printed.err


async def test_the_rest_of_a_folder_is_downloaded_when_a_folder_in_it_is_deleted_meanwhile(
    drive: Drive,
    client: httpx.AsyncClient,
    api: Api,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Capture,
    worker: None,
) -> None:
    for path in ("/top/a/1.txt", "/top/b/2.txt"):
        await put(api, drive, path, b"1")
    victim, children = await drive.find("/top/a"), drive.children

    async def listed(folder: RemoteItem, document: str, on_gone: OnGone) -> AsyncIterator[RemoteItem]:
        if folder.id == victim.id:
            await drive.delete([victim])
        async for child in children(folder, document, on_gone):
            yield child

    monkeypatch.setattr(drive, "children", listed)
    assert await download(drive, client, "/top", str(tmp_path / "new"), overwrite=False) == 1
    printed = capsys.readouterr()
    assert printed.out.splitlines() == [str(tmp_path / "new/b/2.txt")]
    assert ": /top/a: was deleted meanwhile" in printed.err


async def test_a_file_without_a_url_may_not_be_downloaded(
    drive: Drive,
    client: httpx.AsyncClient,
    api: Api,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Capture,
    worker: None,
) -> None:
    item = await put(api, drive, "/a.txt", b"1")

    async def without_url(_: RemoteItem) -> RemoteItem:
        return item

    monkeypatch.setattr(drive, "with_url", without_url)
    assert await download(drive, client, "/a.txt", str(tmp_path / "new"), overwrite=False) == 1
    assert ": /a.txt: may not be downloaded" in capsys.readouterr().err
