"""A terminal with a ``cloudkeep`` command in it, which asks and draws as for a person."""

import asyncio
import contextlib
import fcntl
import os
import pty
import struct
import sys
import termios
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

SECONDS = 60
COLUMNS = 100
CTRL_C = "\x03"
CTRL_D = "\x04"


class Terminal:
    """A terminal with a process in it. ``text`` is the whole output on it."""

    def __init__(self, master: int, process: Process) -> None:
        self.process = process
        self.text = ""
        self._seen = 0
        self._master = master
        self._more = asyncio.Event()
        asyncio.get_running_loop().add_reader(master, self._read)

    async def see(self, text: str) -> None:
        """Return as soon as the text is written, after what was seen before."""
        async with asyncio.timeout(SECONDS):
            while (found := self.text.find(text, self._seen)) < 0:
                self._more.clear()
                await self._more.wait()
        self._seen = found + len(text)

    async def answer(self, question: str, text: str) -> None:
        """Type a line as soon as the question is written."""
        await self.see(question)
        self.type(f"{text}\n")

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
    """Run ``cloudkeep`` in a new terminal, which also gets standard output if ``stdout`` is None."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 30, COLUMNS, 0, 0))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "cloudkeep", *map(str, arguments)),
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
