"""The download of one file from a real server, whose connections are cut."""

import asyncio
import os
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from cloudkeep.client.api.graphql import GraphQL
from cloudkeep.client.api.session import Session
from cloudkeep.client.api.tokens import GivenToken
from cloudkeep.client.downloads.file_download import DownloadContext, FileDownload
from cloudkeep.client.downloads.partial_file import is_partial
from cloudkeep.client.drive.drive import Drive
from cloudkeep.client.drive.items import RemoteItem
from cloudkeep.client.errors import ItemFailed, SourceError, TransferFailed
from tests.cloudkeep.client.conftest import QUICK, Watcher
from tests.support.server import Api

CONTENT = os.urandom(3 * 1024 * 1024 + 7)


@pytest.fixture
def downloading(client: httpx.AsyncClient, server: str, token: str, watcher: Watcher) -> DownloadContext:
    """The context of downloads, with few and quick retries."""
    drive = Drive(Session(GraphQL(client, server), GivenToken(token)), watcher.note, QUICK)
    return DownloadContext(drive, client, watcher, policy=QUICK)


@pytest.fixture
async def item(api: Api, downloading: DownloadContext, worker: None) -> RemoteItem:
    """A file of the drive, with its URL."""
    upload = await api.upload(CONTENT)
    await api.frames(upload["id"])
    file_id = (await api.look(upload["id"]))["file"]["id"]
    found = await downloading.drive.with_url(RemoteItem(file_id, "", False, "/file.bin", ""))
    assert found
    return found


@pytest.fixture
async def ranges(client: httpx.AsyncClient) -> list[str]:
    """The Range header of every request for bytes; "" if there was none."""
    found: list[str] = []

    async def note(request: httpx.Request) -> None:
        if request.method == "GET":
            found.append(request.headers.get("range", ""))

    client.event_hooks["request"].append(note)
    return found


async def test_the_bytes_are_stored_under_the_name(
    downloading: DownloadContext, item: RemoteItem, tmp_path: Path
) -> None:
    seen: list[int] = []
    assert await FileDownload(downloading, item, tmp_path / "a", seen.append).run()
    assert (tmp_path / "a").read_bytes() == CONTENT
    assert (seen == sorted(seen), seen[-1]) == (True, len(CONTENT))
    assert [path for path in tmp_path.iterdir() if is_partial(path.name)] == []


async def test_a_file_with_these_bytes_is_not_downloaded(
    downloading: DownloadContext, item: RemoteItem, tmp_path: Path, ranges: list[str]
) -> None:
    (tmp_path / "a").write_bytes(CONTENT)
    assert not await FileDownload(downloading, item, tmp_path / "a", lambda _: None).run()
    assert ranges == []


@pytest.mark.parametrize("other", [b"short", bytes(len(CONTENT))])
async def test_a_file_with_other_bytes_is_only_replaced_on_request(
    downloading: DownloadContext, item: RemoteItem, tmp_path: Path, other: bytes
) -> None:
    (target := tmp_path / "a").write_bytes(other)
    with pytest.raises(ItemFailed, match="exists here with other content"):
        await FileDownload(downloading, item, target, lambda _: None).run()
    assert target.read_bytes() == other
    assert await FileDownload(replace(downloading, overwrite=True), item, target, lambda _: None).run()
    assert target.read_bytes() == CONTENT


async def test_a_link_in_the_place_of_the_file_is_not_followed(
    downloading: DownloadContext, item: RemoteItem, tmp_path: Path
) -> None:
    (victim := tmp_path / "victim").write_bytes(b"precious")
    (target := tmp_path / "a").symlink_to(victim)
    with pytest.raises(ItemFailed, match="exists here"):
        await FileDownload(downloading, item, target, lambda _: None).run()
    await FileDownload(replace(downloading, overwrite=True), item, target, lambda _: None).run()
    assert (victim.read_bytes(), target.is_symlink(), target.read_bytes()) == (b"precious", False, CONTENT)


async def test_a_file_that_cannot_be_read_is_named_and_only_replaced_on_request(
    downloading: DownloadContext, item: RemoteItem, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path) -> None:
        raise SourceError("Permission denied")

    (target := tmp_path / "a").write_bytes(bytes(len(CONTENT)))
    monkeypatch.setattr("cloudkeep.client.downloads.file_download.Source", refuse)
    with pytest.raises(ItemFailed, match=f"^{target}: exists here and cannot be compared: Permission denied"):
        await FileDownload(downloading, item, target, lambda _: None).run()
    assert await FileDownload(replace(downloading, overwrite=True), item, target, lambda _: None).run()
    assert target.read_bytes() == CONTENT


async def test_a_name_that_is_too_long_here_is_named_before_anything_is_received(
    downloading: DownloadContext, item: RemoteItem, tmp_path: Path, ranges: list[str]
) -> None:
    with pytest.raises(ItemFailed, match=r"xxx: File name too long$"):
        await FileDownload(downloading, item, tmp_path / ("x" * 300), lambda _: None).run()
    assert ranges == []


def stop(task: "asyncio.Task[bool]") -> None:
    task.cancel()


async def test_an_interrupted_download_goes_on_where_it_stopped(
    downloading: DownloadContext, item: RemoteItem, tmp_path: Path, ranges: list[str]
) -> None:
    first = asyncio.create_task(
        FileDownload(downloading, item, tmp_path / "a", lambda done: stop(first) if done > 10**6 else None).run()
    )
    with pytest.raises(asyncio.CancelledError):
        await first
    (part,) = [path for path in tmp_path.iterdir() if is_partial(path.name)]
    size = part.stat().st_size
    assert 10**6 < size < len(CONTENT)
    assert await FileDownload(downloading, item, tmp_path / "a", lambda _: None).run()
    assert (tmp_path / "a").read_bytes() == CONTENT
    assert ranges == ["", f"bytes={size}-"]


async def test_a_damaged_part_is_downloaded_again(
    downloading: DownloadContext, item: RemoteItem, tmp_path: Path, ranges: list[str], watcher: Watcher
) -> None:
    first = asyncio.create_task(
        FileDownload(downloading, item, tmp_path / "a", lambda done: stop(first) if done > 10**6 else None).run()
    )
    await asyncio.wait([first])
    (part,) = [path for path in tmp_path.iterdir() if is_partial(path.name)]
    with part.open("r+b") as opened:
        opened.write(b"damage")
    assert await FileDownload(downloading, item, tmp_path / "a", lambda _: None).run()
    assert (tmp_path / "a").read_bytes() == CONTENT
    assert (len(ranges), ranges[-1]) == (3, "")
    assert "do not match their SHA-256" in watcher.notes[-1]


async def test_a_url_that_expired_is_renewed(downloading: DownloadContext, item: RemoteItem, tmp_path: Path) -> None:
    assert item.url
    expired = replace(item, url=item.url.replace("signature=", "signature=0"))
    assert await FileDownload(downloading, expired, tmp_path / "a", lambda _: None).run()
    assert (tmp_path / "a").read_bytes() == CONTENT


async def test_a_server_that_is_away_is_tried_again_and_then_named(
    downloading: DownloadContext, item: RemoteItem, tmp_path: Path, watcher: Watcher
) -> None:
    away = replace(item, url="http://127.0.0.1:1/x")
    with pytest.raises(TransferFailed, match=r"cannot reach .*; gave up"):
        await FileDownload(downloading, away, tmp_path / "a", lambda _: None).run()
    assert "cannot reach http://127.0.0.1:1; trying again" in watcher.notes
