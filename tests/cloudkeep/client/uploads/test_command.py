"""``cloudkeep upload`` as a process: its output and its exit codes."""

import asyncio
import functools
import os
import re
import signal
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cloudkeep.cli.main import app
from cloudkeep.client.command import INTERRUPTED
from cloudkeep.settings.settings import Settings
from cloudkeep.supervisor.runtime_file import runtime_file
from tests.cloudkeep.client.conftest import CHUNK, init_upload, working
from tests.support.faults.proxy import Proxy
from tests.support.server import Api, http_client

SECONDS = 60
LONG = "x" * 300
URL = "--url or CLOUDKEEP_URL"
NOBODY = (
    "no one is signed in: run `cloudkeep login`, set CLOUDKEEP_TOKEN to an access token or an API token, or run this "
    "in a terminal"
)
# The background jobs of a shell ignore Ctrl-C, and the tests may be started as one.
heed_interrupts = functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL)


async def _start(*arguments: str | Path, **environment: str) -> Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "cloudkeep", "upload", *map(str, arguments)),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=PIPE,
        stderr=PIPE,
        env={**os.environ, **environment},
        preexec_fn=heed_interrupts,
    )


async def _end(process: Process) -> tuple[int | None, list[str], list[str]]:
    async with asyncio.timeout(SECONDS):
        out, err = await process.communicate()
    return process.returncode, out.decode().splitlines(), err.decode().splitlines()


async def test_standard_output_only_has_the_id(server: str, token: str, api: Api, file: Path, worker: None) -> None:
    code, out, err = await _end(await _start(file, CLOUDKEEP_URL=server, CLOUDKEEP_TOKEN=token))
    (file_id,) = out
    assert code == 0
    assert (await api.data("query ($id: ID!) { file(id: $id) { name } }", id=file_id))["name"] == "film.bin"
    assert not [line for line in err[:-1] if token in line or "signature" in line]


async def test_the_last_line_has_the_url_that_downloads_the_file(
    server: str, token: str, file: Path, worker: None
) -> None:
    code, _, err = await _end(await _start(file, CLOUDKEEP_URL=server, CLOUDKEEP_TOKEN=token))
    name, _, url = err[-1].partition(": ready: ")
    assert (code, name) == (0, "film.bin")
    async with http_client() as http:
        assert (await http.get(url)).content == file.read_bytes()


async def test_without_a_url_it_uploads_to_the_server_of_the_data_folder(
    server: str, token: str, file: Path, tmp_path: Path, worker: None
) -> None:
    with runtime_file(tmp_path, server):
        code, out, err = await _end(await _start(file, CLOUDKEEP_DATA_DIR=str(tmp_path), CLOUDKEEP_TOKEN=token))
    assert (code, len(out)) == (0, 1), err


def test_without_a_running_server_it_says_how_to_start_or_name_one(file: Path, tmp_path: Path) -> None:
    environment = {"CLOUDKEEP_TOKEN": "token", "CLOUDKEEP_DATA_DIR": str(tmp_path / "data")}
    result = CliRunner().invoke(app, ["upload", str(file)], env=environment)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == (
        f"cloudkeep: no running server was found in {tmp_path}/data. Start one with `make run` or `cloudkeep serve`, "
        "or set CLOUDKEEP_URL to the address of a server, or CLOUDKEEP_DATA_DIR to the data folder of one on this "
        "machine\n"
    )
    assert not (tmp_path / "data").exists()


async def test_a_file_that_cannot_be_compressed_ends_with_code_3(
    server: str, token: str, file: Path, worker: None
) -> None:
    process = await _start(file, "--compress", "fast", "--url", server, CLOUDKEEP_TOKEN=token)
    code, out, err = await _end(process)
    assert (code, len(out)) == (3, 1)
    assert err[-1] == "film.bin: uploaded, but not compressed: This file is not a video that can be read."


async def test_ctrl_c_ends_with_one_line_and_the_next_run_resumes(
    server: str, token: str, api: Api, file: Path, front: Proxy, settings: Settings
) -> None:
    upload = await init_upload(api, file)
    front.begin_to_hold(4 * CHUNK)
    process = await _start(file, "--parallel", "2", CLOUDKEEP_URL=server, CLOUDKEEP_TOKEN=token)
    await front.holding.wait()
    process.send_signal(signal.SIGINT)
    code, out, err = await _end(process)
    assert (code, out, err[-1]) == (130, [], INTERRUPTED)
    assert not [line for line in err if "Traceback" in line]
    front.release()
    missing = len((await api.look(upload["id"]))["slots"]["nodes"])
    before = front.sent
    async with working(settings):
        code, out, err = await _end(await _start(file, CLOUDKEEP_URL=server, CLOUDKEEP_TOKEN=token))
    assert (code, len(out)) == (0, 1)
    assert front.sent - before < (missing + 1) * CHUNK < 8 * CHUNK
    assert any(re.fullmatch(r"film\.bin: the server has \d+% of it already", line) for line in err), err


async def test_an_expired_token_is_one_line(server: str, file: Path) -> None:
    code, out, err = await _end(await _start(file, CLOUDKEEP_URL=server, CLOUDKEEP_TOKEN="x.y.z"))
    assert (code, out) == (2, [])
    assert err == [
        "cloudkeep: the token in CLOUDKEEP_TOKEN is invalid or has expired; set a new one, or unset it to sign in"
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--url", "http://127.0.0.1:1"], "cannot reach http://127.0.0.1:1"),
        (["--url", "https://127.0.0.1:1"], "cannot reach https://127.0.0.1:1"),
        (
            ["--url", "ftp://example.org"],
            f"{URL}: the scheme ftp: is not supported, only http:, https:",
        ),
        (["--url", "localhost:8000"], f"{URL}: must be a URL that starts with http:, https:"),
        (
            ["--url", "http://"],
            f"{URL}: must be like https://drive.example.org, without path, query or user name",
        ),
        (["--compress", "TINY"], "--compress must be one of FAST, BALANCED, SMALL, not 'TINY'"),
        (
            ["--compress", "FAST", "--max-height", "7"],
            "--max-height: The height must be an even number from 144 to 4320.",
        ),
        (["--max-height", "720"], "--max-height needs --compress"),
        (["--parallel", "0"], "--parallel must be between 1 and 32, not 0"),
        (["/does/not/exist"], "/does/not/exist: No such file or directory"),
        (["/"], "/: is the whole machine; name folders in it"),
        (["/dev/null"], "/dev/null: not a regular file"),
        ([LONG], f"{LONG}: File name too long"),
    ],
)
def test_wrong_input_is_one_line_and_exit_code_2(file: Path, arguments: list[str], message: str) -> None:
    result = CliRunner().invoke(app, ["upload", str(file), *arguments], env={"CLOUDKEEP_TOKEN": "token"})
    assert (result.exit_code, result.stdout, result.stderr) == (2, "", f"cloudkeep: {message}\n")


@pytest.mark.parametrize(
    ("token", "message"),
    [
        ("", NOBODY),
        ("two words", "CLOUDKEEP_TOKEN is neither an access token nor an API token"),
        ("tökén", "CLOUDKEEP_TOKEN is neither an access token nor an API token"),
    ],
)
def test_without_a_token_and_a_terminal_the_upload_ends_with_one_line(file: Path, token: str, message: str) -> None:
    environment = {"CLOUDKEEP_TOKEN": token, "CLOUDKEEP_URL": "http://127.0.0.1:1"}
    result = CliRunner().invoke(app, ["upload", str(file)], env=environment)
    assert (result.exit_code, result.stdout, result.stderr) == (2, "", f"cloudkeep: {message}\n")
