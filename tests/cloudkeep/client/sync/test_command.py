"""``cloudkeep sync`` and ``cloudkeep upload`` of folders, as processes."""

import os
import signal
from pathlib import Path

import httpx
import pytest

from cloudkeep.client.api.graphql import GraphQL
from cloudkeep.client.api.session import Session
from cloudkeep.client.api.tokens import GivenToken
from cloudkeep.client.command import INTERRUPTED
from cloudkeep.client.drive.drive import Drive
from cloudkeep.client.drive.run import note
from tests.cloudkeep.client.conftest import QUICK
from tests.cloudkeep.client.drive.conftest import paths
from tests.cloudkeep.client.running import end, run, start
from tests.support.faults.proxy import Proxy

MIB = 1024 * 1024


@pytest.fixture
def drive(client: httpx.AsyncClient, server: str, token: str) -> Drive:
    """The drive of the signed-in user."""
    return Drive(Session(GraphQL(client, server), GivenToken(token)), note, QUICK)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A local folder with files, an empty folder and a link."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (folder := tmp_path / "photos").mkdir()
    (folder / "empty").mkdir()
    (folder / "b").mkdir()
    (folder / "a.txt").write_bytes(b"1")
    (folder / "b/c.txt").write_bytes(b"22")
    (folder / "link").symlink_to("a.txt")
    return folder


TREE = ["/to", "/to/b", "/to/empty", "/to/a.txt", "/to/b/c.txt"]


async def test_only_what_is_new_or_changed_is_sent(
    drive: Drive, server: str, token: str, folder: Path, worker: None
) -> None:
    ended = await run(server, token, "sync", folder, "/to")
    assert (ended.code, ended.out) == (0, [])
    assert f"cloudkeep: {folder}/link: is a symbolic link; skipped" in ended.err
    assert ended.err[-1] == "cloudkeep: 2 new, 2 folders created"
    assert await paths(drive) == TREE
    before = await drive.find("/to/a.txt")
    (folder / "a.txt").write_bytes(b"3")
    ended = await run(server, token, "sync", folder, "/to")
    assert (ended.code, ended.err[-1]) == (0, "cloudkeep: 1 changed, 1 unchanged")
    after = await drive.find("/to/a.txt")
    assert (after.id, after.sha256 == before.sha256) == (before.id, False)
    (folder / "a.txt").write_bytes(b"1")
    ended = await run(server, token, "sync", folder, "/to")
    assert (await drive.find("/to/a.txt")).sha256 == before.sha256
    ended = await run(server, token, "sync", folder, "/to")
    assert ended.err[-1] == "cloudkeep: 2 unchanged"


async def test_a_dry_run_prints_the_steps_and_changes_nothing(
    drive: Drive, server: str, token: str, folder: Path, worker: None
) -> None:
    ended = await run(server, token, "sync", folder, "/to", "--dry-run")
    assert ended.out == ["mkdir  b", "mkdir  empty", "upload  a.txt", "upload  b/c.txt"]
    assert await paths(drive) == []
    await run(server, token, "sync", folder, "/to")
    (folder / "b/c.txt").write_bytes(b"changed")
    (folder / "a.txt").unlink()
    ended = await run(server, token, "sync", folder, "/to", "--dry-run", "--delete")
    assert ended.out == ["replace  b/c.txt", "trash  /to/a.txt"]
    assert await paths(drive) == TREE


async def test_a_renamed_file_sends_no_bytes_and_its_old_name_goes_to_the_trash_with_delete(
    drive: Drive, server: str, token: str, folder: Path, front: Proxy, worker: None
) -> None:
    (folder / "big").write_bytes(os.urandom(MIB))
    await run(server, token, "sync", folder, "/to")
    (folder / "big").rename(folder / "b/large")
    before = front.sent
    ended = await run(server, token, "sync", folder, "/to", "--delete")
    assert (ended.code, ended.err[-1]) == (0, "cloudkeep: 1 new, 2 unchanged, 1 to the trash")
    assert front.sent - before < MIB // 4
    assert await paths(drive) == [*TREE, "/to/b/large"]
    assert [item.path async for item in drive.trash()] == ["/to/big"]


async def test_names_that_the_server_refuses_are_listed_at_the_end_and_nothing_is_trashed(
    drive: Drive, server: str, token: str, folder: Path, worker: None
) -> None:
    await run(server, token, "sync", folder, "/to")
    (folder / "a.txt").rename(folder / "new\x1b[2J\nline")
    ended = await run(server, token, "sync", folder, "/to", "--delete")
    assert ended.code == 1
    (line,) = [line for line in ended.err if "control characters" in line]
    assert line.startswith(f"cloudkeep: {folder}/new\\x1b[2J\\nline: not uploaded: ")
    assert not [line for line in ended.err if "\x1b" in line]
    assert ended.err[-2:] == [
        "cloudkeep: what is gone here was not moved to the trash, because not everything was stored",
        "cloudkeep: 1 unchanged, 1 failed",
    ]
    assert await paths(drive) == TREE


async def test_the_summary_counts_what_was_done_and_what_failed(
    drive: Drive, server: str, token: str, folder: Path, worker: None
) -> None:
    await run(server, token, "sync", folder, "/to")
    (folder / "a.txt").unlink()
    (folder / "a.txt").mkdir()
    (folder / "a.txt/d.txt").write_bytes(b"333")
    (folder / "b/c.txt").write_bytes(b"changed")
    (folder / "x\x1b").mkdir()
    (folder / "x\x1b/y").mkdir()
    (folder / "x\x1b/y/z.txt").write_bytes(b"4444")
    ended = await run(server, token, "sync", folder, "/to", "--delete")
    # The file made place for the folder before anything failed.
    assert (ended.code, ended.err[-1]) == (
        1,
        "cloudkeep: 1 new, 1 changed, 1 folders created, 1 to the trash, 3 failed",
    )
    assert await paths(drive) == ["/to", "/to/a.txt", "/to/b", "/to/empty", "/to/a.txt/d.txt", "/to/b/c.txt"]
    assert [item.path async for item in drive.trash()] == ["/to/a.txt"]


async def test_ctrl_c_ends_with_one_line_and_the_next_run_goes_on(
    drive: Drive, server: str, token: str, folder: Path, front: Proxy, worker: None
) -> None:
    (folder / "big").write_bytes(os.urandom(2 * MIB))
    front.begin_to_hold(MIB)
    process = await start(server, token, "sync", folder, "/to")
    await front.holding.wait()
    process.send_signal(signal.SIGINT)
    ended = await end(process)
    assert (ended.code, ended.err[-1]) == (130, INTERRUPTED)
    assert not [line for line in ended.err if "Traceback" in line]
    front.release()
    ended = await run(server, token, "sync", folder, "/to")
    assert ended.code == 0
    assert sorted(await paths(drive)) == sorted([*TREE, "/to/big"])


async def test_a_folder_is_uploaded_into_a_folder_with_its_name(
    drive: Drive, server: str, token: str, folder: Path, worker: None
) -> None:
    for _ in range(2):
        ended = await run(server, token, "upload", folder, "--to", "/to/new")
        assert ended.code == 0, ended.err
        assert len(ended.out) == 2
        assert f"cloudkeep: {folder}/link: is a symbolic link; skipped" in ended.err
    assert await paths(drive) == [
        "/to",
        "/to/new",
        "/to/new/photos",
        "/to/new/photos/b",
        "/to/new/photos/empty",
        "/to/new/photos/a.txt",
        "/to/new/photos/b/c.txt",
    ]


async def test_a_folder_with_more_folders_than_a_call_creates_is_uploaded(
    drive: Drive, server: str, token: str, tmp_path: Path, worker: None
) -> None:
    for number in range(40):
        (place := tmp_path / f"photos/{number}/a/b").mkdir(parents=True)
        (place / "empty").write_bytes(b"")
    ended = await run(server, token, "upload", tmp_path / "photos")
    assert ended.code == 0, ended.err
    assert len(ended.out) == 40
    assert len(await paths(drive)) == 1 + 40 * 4


async def test_a_file_is_uploaded_into_a_folder_by_a_policy(
    drive: Drive, server: str, token: str, folder: Path, worker: None
) -> None:
    file = folder / "a.txt"
    assert (await run(server, token, "upload", file, "--to", "/to")).code == 0
    file.write_bytes(b"another")
    assert (await run(server, token, "upload", file, "--to", "/to")).code == 0
    assert sorted(await paths(drive)) == ["/to", "/to/a (2).txt", "/to/a.txt"]
    file.write_bytes(b"a third")
    ended = await run(server, token, "upload", file, "--to", "/to", "--conflict", "fail")
    assert (ended.code, ended.out) == (1, [])
    assert (await run(server, token, "upload", file, "--to", "/to", "--conflict", "replace")).code == 0
    assert (await drive.find("/to/a.txt")).size == len(b"a third")
    assert sorted(await paths(drive)) == ["/to", "/to/a (2).txt", "/to/a.txt"]


async def test_an_earlier_content_replaces_a_later_one(
    drive: Drive, server: str, token: str, folder: Path, worker: None
) -> None:
    file = folder / "a.txt"
    for content in (b"1", b"another", b"1"):
        file.write_bytes(content)
        assert (await run(server, token, "upload", file, "--conflict", "replace")).code == 0
    assert (await drive.find("/a.txt")).size == 1


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["/nowhere", "/to"], "/nowhere: is not a folder here"),
        (["/dev/null", "/to"], "/dev/null: is not a folder here"),
        (["x" * 300, "/to"], f"{'x' * 300}: is not a folder here"),
    ],
)
async def test_what_is_no_local_folder_is_named(server: str, token: str, arguments: list[str], problem: str) -> None:
    ended = await run(server, token, "sync", *arguments)
    assert (ended.code, ended.out, ended.err) == (2, [], [f"cloudkeep: {problem}"])
