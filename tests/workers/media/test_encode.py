"""Tests of the encoder: its progress, and every way in which it can end."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from services.media.errors import CompressionFailed
from services.media.types import Compression, CompressionPreset
from tests.support.clips import bigbuckbunny, bikes
from workers.media.command import EncodeCommand, compress_command
from workers.media.encode import EncodeProgress, encode, summarize_error
from workers.media.probe import probe
from workers.media.tools import Toolbox

UsersOf = Callable[[Path], list[int]]
Eventually = Callable[[Callable[[], object]], Awaitable[None]]
PATIENT = 60
COMMAND = EncodeCommand((), Path("/srv/data/blobs/my film: 1"), Path("/srv/data/scratch/x.mp4"))

ENCODE_SILENCE = """
import sys
from pathlib import Path
import uvloop
from workers.media.command import EncodeCommand
from workers.media.encode import encode

async def ignore(progress):
    pass

source, target, *argv = sys.stdin.read().split("\\n")
uvloop.run(encode(EncodeCommand(tuple(argv), Path(source), Path(target)), None, ignore, 60))
"""


async def _command(
    source: Path, target: Path, tools: Toolbox, preset: CompressionPreset = CompressionPreset.FAST
) -> EncodeCommand:
    """Compress the source as if it were the bunny."""
    return compress_command(tools, source, target, Compression(preset), await probe(bigbuckbunny(), tools))


async def _ignore(_: EncodeProgress) -> None:
    """Receive progress."""


def _weight(clip: Path) -> int:
    return clip.stat().st_size


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """The path of the result."""
    return tmp_path / "out.mp4"


@pytest.fixture
def silence(tmp_path: Path) -> Path:
    """A source that can be opened but never delivers data."""
    path = tmp_path / "silence"
    os.mkfifo(path)
    return path


async def test_progress_grows_to_a_hundred(tools: Toolbox, target: Path) -> None:
    seen: list[EncodeProgress] = []

    async def bind_log_context(progress: EncodeProgress) -> None:
        seen.append(progress)

    await encode(await _command(bigbuckbunny(), target, tools), 5.312, bind_log_context, PATIENT)
    percents = [progress.percent for progress in seen]
    assert percents == sorted(percents)
    assert percents[-2] < percents[-1] == 100
    assert [progress.bytes_out for progress in seen] == sorted(progress.bytes_out for progress in seen)
    assert seen[-1].bytes_out == _weight(target)


async def test_without_a_duration_progress_is_nought_and_then_all(tools: Toolbox, target: Path) -> None:
    percents = set()

    async def bind_log_context(progress: EncodeProgress) -> None:
        percents.add(progress.percent)

    await encode(await _command(bikes(), target, tools), None, bind_log_context, PATIENT)
    assert percents == {0.0, 100.0}


async def test_a_broken_source_is_blamed_without_a_path(tools: Toolbox, target: Path, tmp_path: Path) -> None:
    source = tmp_path / "private name.mp4"
    source.write_bytes(bigbuckbunny().read_bytes()[:400_000])
    with pytest.raises(CompressionFailed, match="The encoder failed: ") as failure:
        await encode(await _command(source, target, tools), None, _ignore, PATIENT)
    assert str(tmp_path) not in str(failure.value)
    assert "private" not in str(failure.value)


async def test_a_source_with_nothing_to_decode_fails(tools: Toolbox, target: Path, tmp_path: Path) -> None:
    source, film = tmp_path / "zeros.mp4", bikes().read_bytes()
    start, index = film.index(b"mdat") + 4, film.index(b"moov") - 4
    assert start < index
    source.write_bytes(film[:start] + bytes(index - start) + film[index:])
    with pytest.raises(CompressionFailed, match="The encoder failed"):
        await encode(await _command(source, target, tools), None, _ignore, PATIENT)


async def test_a_cancelled_encoder_is_dead_at_once(tools: Toolbox, target: Path, users_of: UsersOf) -> None:
    begun = asyncio.Event()

    async def bind_log_context(_: EncodeProgress) -> None:
        begun.set()

    command = await _command(bigbuckbunny(), target, tools, CompressionPreset.SMALL)
    task = asyncio.create_task(encode(command, 5.312, bind_log_context, PATIENT))
    await begun.wait()
    assert users_of(target)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not users_of(target)


async def test_the_receiver_of_progress_can_stop_the_encoder(tools: Toolbox, target: Path, users_of: UsersOf) -> None:
    async def refuse(_: EncodeProgress) -> None:
        raise LookupError("the lease is lost")

    command = await _command(bigbuckbunny(), target, tools, CompressionPreset.SMALL)
    with pytest.raises(LookupError, match="the lease is lost"):
        await encode(command, 5.312, refuse, PATIENT)
    assert not users_of(target)


async def test_an_encoder_that_gets_nowhere_is_stopped(
    tools: Toolbox, silence: Path, target: Path, users_of: UsersOf
) -> None:
    with pytest.raises(CompressionFailed, match="made no progress"):
        await encode(await _command(silence, target, tools), 5.0, _ignore, stall_timeout=0.3)
    assert not users_of(target)


async def test_a_result_that_still_moves_on_disk_is_not_a_stall(target: Path) -> None:
    slowly = f"for step in $(seq 25); do echo $step >> '{target}'; sleep 0.1; done"
    await encode(EncodeCommand(("sh", "-c", slowly), bikes(), target), None, _ignore, stall_timeout=1.5)
    assert _weight(target) == len("".join(f"{step}\n" for step in range(1, 26)))


async def test_a_result_that_becomes_too_large_is_stopped(tools: Toolbox, target: Path) -> None:
    raw = ("-v", "error", "-f", "lavfi", "-i", "testsrc=s=1280x720", "-pix_fmt", "yuv444p", "-f", "rawvideo")
    command = EncodeCommand((tools.ffmpeg, *raw, str(target)), bikes(), target)
    with pytest.raises(CompressionFailed, match="became too large"):
        await encode(command, None, _ignore, PATIENT)
    assert _weight(target) <= 64 * 1024**2 + 1.5 * _weight(bikes())


@pytest.mark.parametrize(("number", "name"), [(signal.SIGSEGV, "SIGSEGV"), (signal.SIGRTMIN + 2, r"SIGRTMIN\+2")])
async def test_the_error_names_the_signal_that_ended_the_encoder(target: Path, number: int, name: str) -> None:
    with pytest.raises(CompressionFailed, match=f"ended by {name}"):
        await encode(EncodeCommand(("sh", "-c", f"kill -{number} $$"), bikes(), target), None, _ignore, PATIENT)


async def test_an_encoder_that_complains_without_end_is_not_held_up(target: Path) -> None:
    loud = "seq 300000 >&2; echo progress=end; exit 3"
    with pytest.raises(CompressionFailed, match=r"failed: 300000$"):
        await encode(EncodeCommand(("sh", "-c", loud), bikes(), target), None, _ignore, PATIENT)


@contextmanager
def _worker(command: EncodeCommand) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen([sys.executable, "-c", ENCODE_SILENCE], stdin=subprocess.PIPE, text=True) as worker:
        assert worker.stdin
        worker.stdin.write("\n".join([str(command.source), str(command.target), *command.argv]))
        worker.stdin.close()
        yield worker
        worker.kill()


async def test_a_worker_killed_outright_leaves_no_encoder(
    tools: Toolbox, silence: Path, target: Path, users_of: UsersOf, eventually: Eventually
) -> None:
    with _worker(await _command(silence, target, tools)) as worker:
        await eventually(lambda: users_of(target))
        worker.kill()
        await eventually(lambda: not users_of(target))


@pytest.mark.parametrize(
    ("stderr", "message"),
    [
        ("", "no reason was reported"),
        ("first\nlast\n\n", "last"),
        ("Invalid data\nConversion failed!\n", "Invalid data"),
        ("[in#0 @ 0x55a1] [dec:h264 @ 0x7f] Decode error", "Decode error"),
        ("Error opening input file:/srv/data/blobs/my film: 1.", "Error opening input the file."),
        ("/srv/data/scratch/x.mp4: No space left on device", "the file: No space left on device"),
        ("Cannot load '/usr/lib/x.so': not found", "Cannot load '…': not found"),
        ("x" * 5000, "x" * 200),
        (b"\xff\xfe bad".decode("latin-1"), "ÿþ bad"),
    ],
)
def test_the_last_useful_line_is_told_without_paths(stderr: str, message: str) -> None:
    assert summarize_error(stderr.encode(), COMMAND) == message
