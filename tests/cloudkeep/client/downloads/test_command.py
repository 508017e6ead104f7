"""``cloudkeep download`` as a process, with a folder, interruptions and lost connections."""

import asyncio
import os
import signal
from pathlib import Path

import httpx
import pytest

from cloudkeep.client.api.graphql import GraphQL
from cloudkeep.client.api.session import Session
from cloudkeep.client.api.tokens import GivenToken
from cloudkeep.client.command import INTERRUPTED
from cloudkeep.client.downloads.partial_file import is_partial
from cloudkeep.client.drive.drive import Drive
from cloudkeep.client.drive.run import note
from tests.cloudkeep.client.conftest import QUICK
from tests.cloudkeep.client.drive.conftest import put
from tests.cloudkeep.client.running import end, run, start
from tests.support.faults.proxied_connection import Act, Fault, Way
from tests.support.faults.proxy import Proxy
from tests.support.server import Api

MIB = 1024 * 1024
CONTENT = os.urandom(2 * MIB)


@pytest.fixture
def drive(client: httpx.AsyncClient, server: str, token: str) -> Drive:
    """The drive of the signed-in user."""
    return Drive(Session(GraphQL(client, server), GivenToken(token)), note, QUICK)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder."""
    (folder := tmp_path / "here").mkdir()
    monkeypatch.chdir(folder)
    return folder


def content_of(folder: Path) -> dict[str, bytes]:
    """The files below a folder, by their relative paths."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


async def test_a_folder_is_downloaded_with_everything_in_it_and_only_once(
    drive: Drive, api: Api, server: str, token: str, here: Path, worker: None
) -> None:
    files = {"a.txt": b"1", "b/é \N{SNOWMAN}.txt": b"22", "b/c/-rf": b"333"}
    for path, content in files.items():
        await put(api, drive, f"/top/{path}", content)
    ended = await run(server, token, "download", "/top")
    assert (ended.code, sorted(ended.out)) == (0, sorted(f"top/{path}" for path in files))
    assert content_of(here / "top") == files
    (here / "top/a.txt").write_bytes(b"mine")
    (here / "top/b/c/-rf").unlink()
    ended = await run(server, token, "download", "/top")
    assert ended.code == 1
    assert "top: top/a.txt: exists here with other content; --overwrite replaces it" in ended.err
    assert ended.err[-1] == "top: 1 downloaded, 1 already here, 1 failed"
    assert content_of(here / "top") == {**files, "a.txt": b"mine"}


async def test_ctrl_c_ends_with_one_line_and_the_next_run_goes_on(
    drive: Drive, api: Api, server: str, token: str, here: Path, front: Proxy, worker: None
) -> None:
    await put(api, drive, "/film.mov", CONTENT)
    front.plan(Fault(Act.STALL, MIB, Way.ANSWER))
    process = await start(server, token, "download", "film.mov")
    part = await part_of(here, MIB // 2)
    process.send_signal(signal.SIGINT)
    ended = await end(process)
    assert (ended.code, ended.out, ended.err[-1]) == (130, [], INTERRUPTED)
    assert not [line for line in ended.err if "Traceback" in line]
    assert MIB // 2 <= part.stat().st_size < len(CONTENT)
    ended = await run(server, token, "download", "film.mov")
    assert (ended.code, ended.out) == (0, ["film.mov"])
    assert content_of(here) == {"film.mov": CONTENT}


async def test_a_lost_connection_is_made_again_and_the_download_goes_on(
    drive: Drive, api: Api, server: str, token: str, here: Path, front: Proxy, worker: None
) -> None:
    await put(api, drive, "/film.mov", CONTENT)
    front.plan(Fault(Act.RESET, MIB, Way.ANSWER))
    ended = await run(server, token, "download", "film.mov")
    assert (ended.code, ended.out) == (0, ["film.mov"])
    assert [line for line in ended.err if "was lost; trying again" in line]
    assert content_of(here) == {"film.mov": CONTENT}


async def test_a_new_version_is_not_added_to_the_part_of_the_old_one(
    drive: Drive, api: Api, server: str, token: str, here: Path, front: Proxy, worker: None
) -> None:
    await put(api, drive, "/film.mov", CONTENT)
    front.plan(Fault(Act.STALL, MIB, Way.ANSWER))
    process = await start(server, token, "download", "film.mov")
    await part_of(here, MIB // 2)
    process.send_signal(signal.SIGINT)
    await end(process)
    upload = await api.upload(b"new", fileName="film.mov", conflict="REPLACE")
    await api.frames(upload["id"])
    assert (await run(server, token, "download", "film.mov")).code == 0
    assert content_of(here) == {"film.mov": b"new"}


async def part_of(folder: Path, size: int) -> Path:
    """The partial file in a folder, as soon as it has so many bytes."""
    async with asyncio.timeout(60):
        while True:
            for path in folder.iterdir():
                if is_partial(path.name) and path.stat().st_size >= size:
                    return path
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    ("arguments", "code", "problem"),
    [
        (["/missing"], 1, "/missing: there is no such file or folder"),
        (["/"], 2, "name a local folder for the whole drive"),
    ],
)
async def test_what_cannot_be_downloaded_is_named(
    server: str, token: str, here: Path, arguments: list[str], code: int, problem: str
) -> None:
    ended = await run(server, token, "download", *arguments)
    assert (ended.code, ended.out, ended.err) == (code, [], [f"cloudkeep: {problem}"])
