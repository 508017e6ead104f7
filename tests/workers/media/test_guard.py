"""Tests of the isolation of a process that reads a hostile file."""

import asyncio
import os
import signal
import subprocess
from asyncio.subprocess import Process
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from services.media.errors import CompressionFailed
from services.media.types import Compression, CompressionPreset
from tests.support.clips import Maker, bikes
from workers.media.command import EncodeCommand, compress_command
from workers.media.encode import encode
from workers.media.guard import INPUT_OPTIONS, guarded
from workers.media.probe import NotMedia, probe
from workers.media.progress import EncodeProgress
from workers.media.tools import Toolbox

Eventually = Callable[[Callable[[], object]], Awaitable[None]]
HLS = "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nsecret.ts\n#EXT-X-ENDLIST\n"
PLAYLISTS = {"list.m3u8": HLS, "list.ffconcat": "ffconcat version 1.0\nfile secret.ts\n"}


@pytest.fixture(params=PLAYLISTS)
def playlist(request: pytest.FixtureRequest, make: Maker) -> Path:
    """A file that tells ffmpeg to read another one, beside it."""
    secret = make("secret.ts", "-i", bikes(), "-c", "copy")
    path = secret.with_name(request.param)
    path.write_text(PLAYLISTS[request.param])
    return path


async def _compress_as_video(source: Path, tools: Toolbox) -> EncodeCommand:
    facts = await probe(bikes(), tools)
    return compress_command(tools, source, source.with_name("out.mp4"), Compression(CompressionPreset.FAST), facts)


async def _ignore(_: EncodeProgress) -> None:
    """Receive progress."""


def _unguarded(argv: tuple[str, ...]) -> list[str]:
    dropped = {part for name, value in INPUT_OPTIONS.items() for part in (f"-{name}", value)}
    return [part for part in argv if part not in dropped]


async def test_a_playlist_would_be_followed_without_the_guard(tools: Toolbox, playlist: Path) -> None:
    command = await _compress_as_video(playlist, tools)
    await asyncio.to_thread(subprocess.run, _unguarded(command.argv), check=True, timeout=60)
    assert (await probe(command.target, tools)).is_video


async def test_a_playlist_is_not_probed(tools: Toolbox, playlist: Path) -> None:
    with pytest.raises(NotMedia):
        await probe(playlist, tools)


async def test_a_playlist_is_not_compressed(tools: Toolbox, playlist: Path) -> None:
    command = await _compress_as_video(playlist, tools)
    with pytest.raises(CompressionFailed):
        await encode(command, 10.0, _ignore, stall_timeout=30)
    assert not command.target.exists()


async def _output(*command: str) -> str:
    async with guarded(command) as process:
        output = await _read(process)
    return output.decode()


async def _read(process: Process) -> bytes:
    assert process.stdout
    return await process.stdout.read()


async def test_the_process_sees_no_secret_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLOUDKEEP_SECRET_KEYS", "k1:secret")
    monkeypatch.setenv("FFREPORT", "file=report.log")
    assert {line.partition("=")[0] for line in (await _output("env")).splitlines()} <= {"PATH", "LD_LIBRARY_PATH"}


async def test_the_process_is_polite_and_leaves_no_core() -> None:
    # The tests may run with a low priority themselves, and 19 is the lowest.
    assert await _output("sh", "-c", "nice; ulimit -c") == f"{min(19, os.nice(0) + 10)}\n0\n"


async def test_the_process_has_bounds(tmp_path: Path) -> None:
    assert int(await _output("sh", "-c", "ulimit -d")) >= 2 * 1024**2
    async with guarded(["dd", "if=/dev/zero", f"of={tmp_path / 'big'}", "count=100"], max_file_bytes=1024) as process:
        assert await process.wait() != 0
    assert (tmp_path / "big").stat().st_size == 1024


async def test_a_process_whose_output_is_left_unread_ends_as_well() -> None:
    async with asyncio.timeout(20), guarded(["yes"]) as process:
        assert process.stdout
        await process.stdout.readline()
        # For more to come than is taken without a reader.
        await asyncio.sleep(0.5)
    assert process.returncode == -signal.SIGKILL


async def test_what_the_process_started_ends_with_it(eventually: Eventually) -> None:
    command = ["sh", "-c", "sleep 60 & echo $!; wait"]
    async with guarded(command) as process:
        assert process.stdout
        grandchild = int(await process.stdout.readline())
    await eventually(lambda: not _is_alive(grandchild))


def _is_alive(pid: int) -> bool:
    """Whether the process runs; a zombie does not."""
    try:
        return " Z " not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
