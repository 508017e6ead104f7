"""A server under measurement: a process tree that is started, observed and stopped."""

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from bench.harness.command import BenchmarkFailed
from storage.child_process import dies_with_parent

START_SECONDS = 60.0
STOP_SECONDS = 15.0


class ServerError(BenchmarkFailed):
    """A server did not start."""


@dataclass(frozen=True)
class Launch:
    """How to start a server.

    It is ready once a GET of ``ready_path`` is answered with less than 500, and CloudKeep's once nothing is away
    either.

    ``roles`` maps a word of a command line to the name of the process; others are named after their program.
    """

    arguments: list[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    ready_path: str = "/"
    roles: Mapping[str, str] = field(default_factory=dict)


class Server:
    """A running server. ``folder`` has its files, ``log`` its output."""

    def __init__(self, launch: Launch, folder: Path, port: int) -> None:
        self.folder = folder
        self.port = port
        self.log = folder.with_suffix(".log")
        self._launch = launch
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                launch.arguments,
                cwd=folder,
                env={**_clean_environment(), **launch.environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=dies_with_parent(),
            )

    def wait_until_ready(self) -> None:
        """Return once it answers. Raises :class:`ServerError` when it ends before or takes too long."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            if _answers(self.port, self._launch.ready_path):
                return
            time.sleep(0.05)
        raise ServerError(f"{self._launch.arguments}: not ready\n{self.log.read_text(errors='replace')[-2000:]}")

    def cpu_seconds(self) -> dict[str, float]:
        """User and system time by role since the start, children that have ended included."""
        return self._by_role(lambda process: sum(process.cpu_times()[:4]))

    def peak_bytes(self) -> dict[str, float]:
        """The peak resident memory of the processes of each role; shared pages count once for each process."""
        return self._by_role(lambda process: _peak_bytes(process.pid))

    def forget_peaks(self) -> None:
        """Reset the peak of every running process to its current resident memory."""
        for process in self._alive():
            with contextlib.suppress(OSError):
                Path(f"/proc/{process.pid}/clear_refs").write_text("5")

    def stop(self) -> None:
        """Stop the whole tree, first with SIGTERM and then by force."""
        tree = self._alive()
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(STOP_SECONDS)
        for process in psutil.wait_procs(tree, 1)[1]:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        self._process.wait()

    def _by_role(self, figure: Callable[[psutil.Process], float]) -> dict[str, float]:
        figures: dict[str, float] = {}
        for process in self._alive():
            with contextlib.suppress(psutil.NoSuchProcess):
                words = process.cmdline()
                role = next((name for word, name in self._launch.roles.items() if word in words), process.name())
                figures[role] = figures.get(role, 0.0) + figure(process)
        return figures

    def _alive(self) -> list[psutil.Process]:
        with contextlib.suppress(psutil.NoSuchProcess):
            root = psutil.Process(self._process.pid)
            return [root, *root.children(recursive=True)]
        return []


@contextmanager
def running(launch: Launch, folder: Path, port: int) -> Iterator[Server]:
    """A server that is ready; every process of it has ended when the block has."""
    server = Server(launch, folder, port)
    try:
        server.wait_until_ready()
        yield server
    finally:
        server.stop()


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _clean_environment() -> dict[str, str]:
    """The environment without settings of the developer's own server."""
    return {name: value for name, value in os.environ.items() if not name.startswith("CLOUDKEEP_")}


def _answers(port: int, path: str) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    with contextlib.closing(connection), contextlib.suppress(OSError, http.client.HTTPException):
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status < 500 and b'"degraded"' not in answer.read()
    return False


def _peak_bytes(pid: int) -> int:
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0
