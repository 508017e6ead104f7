"""``cloudkeep serve`` as users start it: a process tree, observed from outside."""

import os
import queue
import random
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import psutil

from tests.support.waiting import nothing_is_away

START_SECONDS = 60.0
STOP_SECONDS = 10.0
OTP = re.compile(r"^ +(\d{6})\s*$")


class ServeProcess:
    """A running server. ``lines`` is everything it printed. ``prefix`` stands before its command."""

    def __init__(self, data_dir: Path, port: int, prefix: Sequence[str] = (), **environment: str) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.lines: list[str] = []
        self._codes: queue.Queue[str] = queue.Queue()
        self._stop_seconds = STOP_SECONDS + float(environment.get("CLOUDKEEP_DRAIN_SECONDS", 0))
        ours = {"CLOUDKEEP_DATA_DIR": str(data_dir), "CLOUDKEEP_PORT": str(port), **environment}
        self._process = subprocess.Popen(
            [*prefix, sys.executable, "-m", "cloudkeep", "serve"],
            env={**os.environ, **ours},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        """The supervisor's process ID."""
        return self._process.pid

    def otp(self) -> str:
        """The code in the next mail that is printed."""
        return self._codes.get(timeout=START_SECONDS)

    def wait_until_ready(self) -> None:
        """Return once ``/readyz`` says that nothing is away."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            assert self._process.poll() is None, self.output()
            try:
                if nothing_is_away(httpx.get(f"{self.url}/readyz", timeout=5, verify=False)):
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.05)
        raise AssertionError(f"not ready after {START_SECONDS} s:\n{self.output()}")

    def child(self, role: str) -> psutil.Process:
        """The running child with this command: ``api`` or ``worker``."""
        for process in psutil.Process(self.pid).children():
            if role in process.cmdline():
                return process
        raise LookupError(role)

    def descendants(self) -> list[psutil.Process]:
        """Every process of the tree except the supervisor."""
        return psutil.Process(self.pid).children(recursive=True)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Stop it and return its exit code; fails if that takes too long."""
        if self._process.poll() is None:
            self._process.send_signal(how)
        try:
            code = self._process.wait(self._stop_seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            raise AssertionError(f"still there after {self._stop_seconds} s:\n{self.output()}") from None
        self._reader.join(5)
        return code

    def output(self) -> str:
        """The output so far."""
        return "\n".join(self.lines)

    def _read(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            self.lines.append(line.rstrip("\n"))
            if found := OTP.match(line):
                self._codes.put(found[1])


def free_port() -> int:
    """A port that was free a moment ago, outside the range that the system assigns."""
    while True:
        port = random.randrange(20_000, 32_000)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


@contextmanager
def serving(
    data_dir: Path, port: int | None = None, prefix: Sequence[str] = (), **environment: str
) -> Iterator[ServeProcess]:
    """A server that is ready; it has ended when the block has."""
    process = ServeProcess(data_dir, port or free_port(), prefix, **environment)
    try:
        process.wait_until_ready()
        yield process
    finally:
        process.stop()


def cloudkeep(*arguments: str, **settings: str) -> "subprocess.CompletedProcess[str]":
    """Run a command to its end, with these arguments and settings."""
    environment = {**os.environ, **{f"CLOUDKEEP_{name}": value for name, value in settings.items()}}
    command = [sys.executable, "-m", "cloudkeep", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
