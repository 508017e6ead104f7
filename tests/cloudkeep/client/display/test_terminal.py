"""``cloudkeep upload`` in a terminal: it asks for user ID and password, and draws progress bars."""

import asyncio
import contextlib
import fcntl
import os
import pty
import re
import struct
import sys
import termios
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from cloudkeep.client.command import INTERRUPTED
from tests.cloudkeep.client.conftest import CHUNK
from tests.support.faults.proxy import Proxy
from tests.support.server import PASSWORD, Api

SECONDS = 60
COLUMNS = 100
CTRL_C = "\x03"
HIDE_CURSOR, SHOW_CURSOR = "\x1b[?25l", "\x1b[?25h"
#: Control sequences that move the cursor or erase a line, and carriage returns, which do so as well.
CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\r(?!\n)")


class Terminal:
    """A terminal with a process in it. ``text`` is the whole output on it."""

    def __init__(self, master: int, process: Process) -> None:
        self.process = process
        self.text = ""
        self._master = master
        self._more = asyncio.Event()
        asyncio.get_running_loop().add_reader(master, self._read)

    async def see(self, text: str) -> None:
        """Return as soon as the text is written."""
        async with asyncio.timeout(SECONDS):
            while text not in self.text:
                self._more.clear()
                await self._more.wait()

    def type(self, text: str) -> None:
        """Type the text, in which Enter and Ctrl-C are characters."""
        os.write(self._master, text.encode())

    async def end(self) -> tuple[int | None, str]:
        """Wait for the process. Returns its exit code, and its standard output if that is not the terminal."""
        async with asyncio.timeout(SECONDS):
            out, _ = await self.process.communicate()
        return self.process.returncode, (out or b"").decode()

    def _read(self) -> None:
        # The other end is closed when the process has ended.
        with contextlib.suppress(OSError):
            self.text += os.read(self._master, 65536).decode(errors="replace")
            self._more.set()
            return
        asyncio.get_running_loop().remove_reader(self._master)


@asynccontextmanager
async def terminal(*arguments: str | Path, stdout: int | None = None) -> AsyncIterator[Terminal]:
    """Run ``cloudkeep upload`` in a new terminal, which also gets standard output if ``stdout`` is None."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 30, COLUMNS, 0, 0))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "cloudkeep", "upload", *map(str, arguments)),
        stdin=slave,
        stdout=slave if stdout is None else stdout,
        stderr=slave,
        env={**os.environ, "TERM": "xterm-256color"},
        start_new_session=True,
        # With a controlling terminal, the process can ask for a password, and gets a signal upon Ctrl-C.
        preexec_fn=lambda: fcntl.ioctl(slave, termios.TIOCSCTTY, 0),
    )
    os.close(slave)
    running = Terminal(master, process)
    try:
        yield running
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        asyncio.get_running_loop().remove_reader(master)
        os.close(master)


@pytest.fixture
async def user_id(api: Api) -> str:
    """The user ID of an account."""
    return str((await api.data("{ me { userId } }"))["userId"])


async def _sign_in(screen: Terminal, user_id: str, password: str = PASSWORD) -> None:
    await screen.see("User ID")
    screen.type(f"{user_id}\n")
    # The terminal discards text that is typed before the prompt.
    await screen.see("Password: ")
    screen.type(f"{password}\n")


async def test_there_is_a_prompt_for_user_id_and_password_and_a_bar(
    server: str, user_id: str, file: Path, worker: None
) -> None:
    async with terminal(file, "--url", server, stdout=PIPE) as screen:
        await _sign_in(screen, user_id)
        code, out = await screen.end()
    assert code == 0
    assert re.fullmatch(r"file_[0-9a-z]{26}\n", out)
    assert re.search(r"film\.bin +\w+ .*━", screen.text)
    assert "film.bin: ready" in screen.text
    assert PASSWORD not in screen.text
    assert screen.text.rindex(SHOW_CURSOR) > screen.text.rindex(HIDE_CURSOR)


async def test_the_id_is_printed_in_the_terminal_as_well(server: str, user_id: str, file: Path, worker: None) -> None:
    async with terminal(file, "--url", server) as screen:
        await _sign_in(screen, user_id)
        code, _ = await screen.end()
    assert code == 0
    assert re.search(r"film\.bin: ready: http\S+\r\nfile_[0-9a-z]{26}\r\n$", CONTROL.sub("", screen.text))


async def test_a_wrong_password_is_one_line(server: str, user_id: str, file: Path) -> None:
    async with terminal(file, "--url", server) as screen:
        await _sign_in(screen, user_id, "wrong horse battery")
        code, _ = await screen.end()
    assert code == 2
    assert screen.text.endswith("\r\ncloudkeep: User ID or password is wrong\r\n")


async def test_ctrl_c_while_a_bar_is_drawn_leaves_a_tidy_terminal(
    server: str, user_id: str, file: Path, front: Proxy
) -> None:
    front.begin_to_hold(3 * CHUNK)
    async with terminal(file, "--url", server) as screen:
        await _sign_in(screen, user_id)
        await front.holding.wait()
        screen.type(CTRL_C)
        code, _ = await screen.end()
    assert code == 130
    assert screen.text.endswith(f"\r\n{INTERRUPTED}\r\n")
    assert "Traceback" not in screen.text
    assert screen.text.rindex(SHOW_CURSOR) > screen.text.rindex(HIDE_CURSOR)


async def test_ctrl_c_instead_of_a_password_is_no_traceback(server: str, user_id: str, file: Path) -> None:
    async with terminal(file, "--url", server) as screen:
        await screen.see("User ID")
        screen.type(CTRL_C)
        code, _ = await screen.end()
    assert code == 130
    assert screen.text.endswith(f"\r\n{INTERRUPTED}\r\n")
