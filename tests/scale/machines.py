"""Processes of a cluster, each of which can be killed at any moment and comes back by itself."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from storage.child_process import dies_with_parent

#: Restart delays like those of an init system.
RESTART_SECONDS = 0.2
STOP_SECONDS = 20.0


class Machine:
    """One command that is kept running, in a data folder of its own, as on a host of its own."""

    def __init__(self, name: str, folder: Path, *command: str, **environment: str) -> None:
        self.name = name
        self.log = folder / f"{name}.log"
        self._command = (sys.executable, "-m", "cloudkeep", *command)
        self._environment: Mapping[str, str] = {
            **os.environ,
            "CLOUDKEEP_DATA_DIR": str(folder / name),
            **environment,
        }
        self._process: subprocess.Popen[bytes] | None = None
        self._keeper: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Start it, and again whenever it ends."""
        self._keeper = asyncio.create_task(self._keep_running())

    def kill(self) -> bool:
        """Kill it and its children, as a power cut does. Returns whether it was running."""
        alive = self._process is not None and self._process.poll() is None
        if self._process and alive:
            self._process.kill()
        return alive

    async def stop(self) -> int:
        """Stop it for good. Returns its exit code."""
        if self._keeper:
            self._keeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._keeper
        if not self._process:
            return 0
        self._process.send_signal(signal.SIGTERM)
        try:
            return await asyncio.to_thread(self._process.wait, STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            raise AssertionError(f"{self.name} is still there after {STOP_SECONDS} s:\n{self.output()}") from None

    def output(self) -> str:
        """The end of what it printed."""
        return self.log.read_text(errors="replace")[-4000:] if self.log.exists() else ""

    async def _keep_running(self) -> None:
        with self.log.open("ab") as log:
            while True:
                self._process = self._spawn(log)
                while self._process.poll() is None:
                    await asyncio.sleep(0.05)
                await asyncio.sleep(RESTART_SECONDS)

    def _spawn(self, log: IO[bytes]) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            self._command,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=dies_with_parent(),
        )
