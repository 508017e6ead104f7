"""A run with several files: its output and its exit code."""

import os
from pathlib import Path

import httpx
import pytest

from cloudkeep.client.api.graphql import GraphQL
from cloudkeep.client.api.http import BUDGET_USED_UP
from cloudkeep.client.api.session import Session
from cloudkeep.client.api.tokens import GivenToken
from cloudkeep.client.display.display import Display
from cloudkeep.client.errors import RateLimited, SignInError, UsageError
from cloudkeep.client.uploads.destination import Destination, FileToUpload
from cloudkeep.client.uploads.file_upload import FileUpload, UploadContext
from cloudkeep.client.uploads.run import FILES_AT_ONCE, ExitCode, require_sources, upload_all
from cloudkeep.client.uploads.small_files import MAX_SIZE
from services.media.types import Compression, CompressionPreset
from tests.cloudkeep.client.conftest import QUICK
from tests.support.clips import bikes
from tests.support.server import Api

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """More files than the client uploads at the same time. None of them is a video."""
    paths = [tmp_path / f"{index}.bin" for index in range(FILES_AT_ONCE + 3)]
    for path in paths:
        path.write_bytes(os.urandom(1000))
    return paths


async def _upload_all(paths: list[Path], context: UploadContext, display: Display) -> ExitCode:
    return await upload_all(map(FileToUpload.of, paths), context, display)


async def _name(api: Api, file_id: str) -> str:
    return str((await api.data("query ($id: ID!) { file(id: $id) { name } }", id=file_id))["name"])


def _urls(lines: list[str], beginning: str) -> list[str]:
    return [line.removeprefix(beginning) for line in lines if line.startswith(beginning)]


async def test_ids_are_printed_in_the_order_of_the_files(
    context: UploadContext, api: Api, files: list[Path], capsys: Capture, worker: None
) -> None:
    assert await _upload_all(files, context, Display(bars=False)) is ExitCode.DONE
    ids = capsys.readouterr().out.splitlines()
    assert [await _name(api, file_id) for file_id in ids] == [path.name for path in files]


async def test_each_stage_is_a_line_on_standard_error(
    context: UploadContext, server: str, files: list[Path], capsys: Capture, worker: None
) -> None:
    files[0].write_bytes(os.urandom(MAX_SIZE + 1))
    await _upload_all(files[:1], context, Display(bars=False))
    lines = [line.partition("  ")[0] for line in capsys.readouterr().err.splitlines()]
    url = lines[-1].rpartition(" ")[2]
    assert url.startswith(server)
    assert [line for line in lines if "verifying" not in line] == [
        "0.bin: reading 100 %",
        "0.bin: sending 0 %",
        "0.bin: sending 100 %",
        f"0.bin: ready: {url}",
    ]


async def test_a_file_that_fails_does_not_stop_the_others(
    context: UploadContext, api: Api, files: list[Path], capsys: Capture, worker: None
) -> None:
    files[1].unlink()
    assert await _upload_all(files[:3], context, Display(bars=False)) is ExitCode.FAILED
    printed = capsys.readouterr()
    assert [await _name(api, file_id) for file_id in printed.out.splitlines()] == ["0.bin", "2.bin"]
    assert "1.bin: not uploaded: No such file or directory" in printed.err.splitlines()


async def test_small_files_are_sent_together_and_empty_ones_are_stored(
    context: UploadContext, api: Api, files: list[Path], capsys: Capture, worker: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    single: list[object] = []
    monkeypatch.setattr(FileUpload, "send", lambda self: single.append(self))
    files[1].write_bytes(b"")
    assert await _upload_all(files, context, Display(bars=False)) is ExitCode.DONE
    ids = capsys.readouterr().out.splitlines()
    assert [await _name(api, file_id) for file_id in ids] == [path.name for path in files]
    assert single == []


async def test_a_small_file_that_the_server_refuses_does_not_stop_the_others(
    context: UploadContext, files: list[Path], capsys: Capture, worker: None
) -> None:
    destination = Destination("folder_00000000000000000000000000")
    sent = [FileToUpload.of(files[0]), FileToUpload(files[1], "1.bin", destination), FileToUpload.of(files[2])]
    assert await upload_all(sent, context, Display(bars=False)) is ExitCode.FAILED
    printed = capsys.readouterr()
    assert len(printed.out.splitlines()) == 2
    assert "1.bin: not uploaded: There is no such folder" in printed.err


async def test_a_wait_of_small_files_is_said_once(
    context: UploadContext, files: list[Path], capsys: Capture, worker: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    execute = Session.execute
    refused: list[str] = []

    async def limited(session: Session, document: str, **variables: object) -> object:
        if len(refused) < 2:
            refused.append(document)
            raise RateLimited(BUDGET_USED_UP, 0.01)
        return await execute(session, document, **variables)

    monkeypatch.setattr(Session, "execute", limited)
    assert await _upload_all(files, context, Display(bars=False)) is ExitCode.DONE
    waits = [line for line in capsys.readouterr().err.splitlines() if "waiting" in line]
    assert waits == [f"cloudkeep: {BUDGET_USED_UP}; waiting as long as it asks"]


async def test_a_file_that_cannot_be_compressed_is_printed_with_a_warning_and_a_code_of_its_own(
    client: httpx.AsyncClient, context: UploadContext, api: Api, files: list[Path], capsys: Capture, worker: None
) -> None:
    wishing = UploadContext(client, context.session, Compression(CompressionPreset.FAST, 144), policy=QUICK)
    assert await _upload_all([bikes(), files[0]], wishing, Display(bars=False)) is ExitCode.NOT_COMPRESSED
    printed = capsys.readouterr()
    assert [await _name(api, file_id) for file_id in printed.out.splitlines()] == ["bikes.mp4", "0.bin"]
    lines = printed.err.splitlines()
    assert "0.bin: uploaded, but not compressed: This file is not a video that can be read." in lines
    assert [(await client.get(url)).status_code for url in _urls(lines, "0.bin: original: ")] == [200]


async def test_the_url_of_a_compressed_copy_is_printed_too(
    client: httpx.AsyncClient, context: UploadContext, capsys: Capture, worker: None
) -> None:
    compressing = UploadContext(client, context.session, Compression(CompressionPreset.FAST, 144), policy=QUICK)
    assert await _upload_all([bikes()], compressing, Display(bars=False)) is ExitCode.DONE
    lines = capsys.readouterr().err.splitlines()
    (copy,) = [await client.get(url) for url in _urls(lines, "bikes.mp4: compressed: ")]
    (original,) = [await client.get(url) for url in _urls(lines, "bikes.mp4: ready: ")]
    assert original.content == bikes().read_bytes()
    assert copy.headers["Content-Type"] == "video/mp4"
    assert copy.content != original.content


async def test_the_end_of_the_session_ends_the_run(
    client: httpx.AsyncClient, server: str, files: list[Path], capsys: Capture
) -> None:
    context = UploadContext(client, Session(GraphQL(client, server), GivenToken("not.a.token")), policy=QUICK)
    with pytest.raises(SignInError):
        await _upload_all(files, context, Display(bars=False))
    assert capsys.readouterr().out == ""


def test_every_path_that_is_neither_file_nor_folder_is_named(tmp_path: Path, capsys: Capture) -> None:
    missing = tmp_path / "missing\n"
    os.mkfifo(pipe := tmp_path / "pipe")
    with pytest.raises(UsageError) as caught:
        require_sources([tmp_path, pipe, missing])
    assert capsys.readouterr().err == f"cloudkeep: {pipe}: not a regular file\n"
    assert str(caught.value) == f"{tmp_path}/missing\\n: No such file or directory"
