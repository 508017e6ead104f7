"""``cloudkeep demo``, with a server that prints its mail."""

import asyncio
import contextlib
import functools
import os
import pty
import re
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, STDOUT, Process
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from cloudkeep.client.demo.command import INTERRUPTED
from tests.support.faults.proxy import proxy
from tests.support.process import ServeProcess, cloudkeep, free_port, serving

SECONDS = 120
STEPS = [
    "Register",
    "Sign in",
    "Make a clip",
    "Start the upload",
    "Send the chunks",
    "Watch the progress",
    "Get the download URLs",
    "Download the original",
    "Download the compressed copy",
]
heed_interrupts = functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL)


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of the server that these tests share."""
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def server(data_dir: Path) -> Iterator[ServeProcess]:
    """A server whose port the demo can only find in the data folder."""
    with serving(data_dir) as process:
        yield process


class Demo:
    """A running demo; ``text`` is what it has printed."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.text = ""

    async def see(self, text: str) -> None:
        """Return as soon as the text is printed."""
        assert self.process.stdout
        while text not in self.text:
            block = await self.process.stdout.read(65536)
            assert block, self.text
            self.text += block.decode()

    def type(self, line: str) -> None:
        """Enter a line."""
        assert self.process.stdin
        self.process.stdin.write(f"{line}\n".encode())

    async def end(self) -> int | None:
        """The exit code."""
        out, _ = await self.process.communicate()
        self.text += out.decode()
        return self.process.returncode


@asynccontextmanager
async def running(folder: Path, **settings: str) -> AsyncIterator[Demo]:
    """Run the demo; its temporary files go to ``folder``."""
    environment = {f"CLOUDKEEP_{name}": value for name, value in settings.items()}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "cloudkeep", "demo"),
        stdin=PIPE,
        stdout=PIPE,
        stderr=STDOUT,
        env={**os.environ, **environment, "TMPDIR": str(folder)},
        preexec_fn=heed_interrupts,
    )
    try:
        async with asyncio.timeout(SECONDS):
            yield Demo(process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


async def test_it_runs_twice_in_a_row_and_leaves_no_files(server: ServeProcess, data_dir: Path, tmp_path: Path) -> None:
    for _ in range(2):
        async with running(tmp_path, DATA_DIR=str(data_dir)) as demo:
            await demo.see("Code: ")
            demo.type(await asyncio.to_thread(server.otp))
            assert await demo.end() == 0, demo.text
        assert re.findall(r"^\d+\. (.*)$", demo.text, re.MULTILINE) == STEPS
        assert demo.text.count("SHA-256 matches") == 2
        assert '"stage": "COMPRESSING"' in demo.text
        assert list(tmp_path.iterdir()) == []


async def test_tokens_are_shortened_and_escape_sequences_are_left_to_terminals(
    server: ServeProcess, data_dir: Path, tmp_path: Path
) -> None:
    async with running(tmp_path, DATA_DIR=str(data_dir)) as demo:
        await demo.see("Code: ")
        demo.type(await asyncio.to_thread(server.otp))
        assert await demo.end() == 0, demo.text
    shown, _, _ = demo.text.partition("\nDone.")
    assert re.search(r"Authorization: Bearer \S{10}\.\.\.\n", shown)
    assert not re.search(r"[\w.+/-]{60,}=*(?:\s|\")", re.sub(r"https?://\S+|SHA-256 matches: \S+", "", shown))
    assert not re.search(r"signature=[^&\s\"]{20}", shown)
    assert "\x1b" not in demo.text


async def test_after_a_wrong_code_it_asks_again(server: ServeProcess, data_dir: Path, tmp_path: Path) -> None:
    async with running(tmp_path, DATA_DIR=str(data_dir)) as demo:
        await demo.see("Code: ")
        code = await asyncio.to_thread(server.otp)
        demo.type("000000" if code != "000000" else "111111")
        await demo.see("The code is wrong. Please try again.\nCode: ")
        demo.type(f"{code[:3]} {code[3:]}")
        await demo.see(STEPS[2])
        demo.process.send_signal(signal.SIGINT)
        assert await demo.end() == 130


async def test_ctrl_c_while_chunks_are_sent_aborts_the_upload_and_deletes_the_clip(tmp_path: Path) -> None:
    port = free_port()
    (folder := tmp_path / "temporary").mkdir()
    async with proxy(port) as front:
        server = ServeProcess(tmp_path / "data", port, CLOUDKEEP_PUBLIC_URL=front.url)
        try:
            await asyncio.to_thread(server.wait_until_ready)
            async with running(folder, URL=front.url) as demo:
                await demo.see("Code: ")
                front.begin_to_hold(3 * 2**20)
                demo.type(await asyncio.to_thread(server.otp))
                await front.holding.wait()
                demo.process.send_signal(signal.SIGINT)
                front.release()
                assert await demo.end() == 130
        finally:
            await asyncio.to_thread(server.stop)
    assert '"status": "ABORTED"' in demo.text
    assert demo.text.endswith(f"{INTERRUPTED}\n")
    assert "Traceback" not in demo.text
    assert list(folder.iterdir()) == []


def test_without_a_server_it_says_how_to_start_one(tmp_path: Path) -> None:
    result = cloudkeep("demo", DATA_DIR=str(tmp_path / "data"))
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith(
        f"cloudkeep: no running server was found in {tmp_path}/data. Start one with `make r"
    )
    assert list(tmp_path.iterdir()) == []


async def test_without_a_code_it_ends_in_one_line(server: ServeProcess, data_dir: Path, tmp_path: Path) -> None:
    environment = {**os.environ, "CLOUDKEEP_DATA_DIR": str(data_dir), "TMPDIR": str(tmp_path)}
    command = (sys.executable, "-m", "cloudkeep", "demo")
    process = await asyncio.create_subprocess_exec(*command, stdin=DEVNULL, stdout=PIPE, stderr=PIPE, env=environment)
    _, errors = await process.communicate()
    await asyncio.to_thread(server.otp)
    assert (process.returncode, errors.decode()) == (2, "cloudkeep: no code was entered\n")


async def test_in_a_terminal_requests_are_coloured(server: ServeProcess, data_dir: Path, tmp_path: Path) -> None:
    master, slave = pty.openpty()
    environment = {"CLOUDKEEP_DATA_DIR": str(data_dir), "TMPDIR": str(tmp_path), "TERM": "xterm-256color"}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "cloudkeep", "demo"),
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env=os.environ | environment,
    )
    os.close(slave)
    text = ""
    with contextlib.suppress(OSError):  # the other end is closed when the process has ended
        while block := await asyncio.to_thread(os.read, master, 65536):
            text += block.decode(errors="replace")
            if text.endswith("Code: "):
                os.write(master, f"{await asyncio.to_thread(server.otp)}\n".encode())
    os.close(master)
    assert await process.wait() == 0, text
    assert "\x1b[1;36m  > POST" in text
    assert "SHA-256 matches" in text
