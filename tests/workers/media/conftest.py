"""The tools, clips made with them, and the processes that still run."""

import asyncio
import functools
import os
import subprocess
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from tests.support.clips import Maker
from workers.media.tools import Toolbox, find_tools


@functools.cache
def _toolboxes() -> dict[str, Toolbox]:
    """The tools of a worker on this machine, and those without PATH if they differ."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", os.devnull)
        packaged = find_tools()
    found = find_tools()
    return {"packages": packaged} if found == packaged else {"path": found, "packages": packaged}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """If PATH has programs, test with those and with those of the packages: they differ by years."""
    if "tools" in metafunc.fixturenames and len(boxes := _toolboxes()) > 1:
        metafunc.parametrize("tools", boxes.values(), ids=boxes)


@pytest.fixture(scope="session")
def tools() -> Toolbox:
    """The programs that a worker on this machine uses."""
    return find_tools()


@pytest.fixture
def make(tools: Toolbox, tmp_path: Path) -> Maker:
    """Make a clip with ffmpeg, with this name."""

    def run(name: str, *arguments: str | Path) -> Path:
        target = tmp_path / name
        command = [tools.ffmpeg, "-v", "error", "-nostdin", "-y", *arguments, f"file:{target}"]
        subprocess.run(command, check=True, timeout=60)
        return target

    return run


@pytest.fixture
def users_of(tools: Toolbox) -> Callable[[Path], list[int]]:
    """The process IDs of ffmpeg and ffprobe that have a path in their arguments."""

    def find(path: Path) -> list[int]:
        return [
            pid for pid, argv in _processes() if argv[0] in {tools.ffmpeg, tools.ffprobe} and f"file:{path}" in argv
        ]

    return find


@pytest.fixture
def eventually() -> Callable[[Callable[[], object]], Awaitable[None]]:
    """Wait, a minute at most, until a condition holds."""

    def wait(condition: Callable[[], object]) -> None:
        deadline = time.monotonic() + 60
        while not condition():
            assert time.monotonic() < deadline
            time.sleep(0.02)

    return lambda condition: asyncio.to_thread(wait, condition)


def _processes() -> list[tuple[int, list[str]]]:
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            found.append((int(entry.name), (entry / "cmdline").read_bytes().decode().split("\0")))
        except OSError:
            continue
    return found
