"""Runs ffmpeg: follows its progress, stops it when it stalls, and reports why it failed."""

import asyncio
import errno
import os
import re
import signal
import time
from asyncio.subprocess import Process
from collections.abc import Awaitable, Callable
from pathlib import Path

from services.media.errors import CompressionFailed
from storage.child_process import describe_end
from storage.errors import NoSpace
from workers.media.command import EncodeCommand
from workers.media.guard import file_url, guarded, kill, stderr_tail
from workers.media.progress import EncodeProgress, advance, blocks, out_time

__all__ = ["EncodeProgress", "OnProgress", "encode", "summarize_error"]

OnProgress = Callable[[EncodeProgress], Awaitable[None]]

# A damaged or hostile source can decode to far more bytes than it has; an ordinary one never compresses to more than
# this.
_GROWTH = 1.5
_GROWTH_SLACK = 64 * 1024**2

_LONGEST_SUMMARY = 200
# "[h264 @ 0x564b9d066d00] " is a part of ffmpeg and a memory address.
_ADDRESS = re.compile(r"\[[^\]]* @ 0x[0-9a-f]+\] *")
_ABSOLUTE_PATH = re.compile(r"(?:file:)?/[^\s:'\"]+")
_NO_REASON = "Conversion failed!"


async def encode(command: EncodeCommand, duration: float | None, on_progress: OnProgress, stall_timeout: float) -> None:
    """Run the command to its end. Calls ``on_progress`` about four times a second, and with 100 at the end.

    ``duration`` is the source's, in seconds. ``on_progress`` must return well within ``stall_timeout``, because ffmpeg
    waits until its reports are read.

    Raises :class:`CompressionFailed` if ffmpeg fails, if the result becomes far too large, or if neither ffmpeg's clock
    nor the file on disk advanced for ``stall_timeout`` seconds; :class:`NoSpace` if the target's disk is full;
    ``OSError`` if there is no source; and the exceptions of ``on_progress``. In every case, also after a cancellation,
    ffmpeg has ended before this returns. After a failure the caller deletes the target.
    """
    limit = await asyncio.to_thread(_size_limit, command.source)
    async with guarded(command.argv, max_file_bytes=limit) as process:
        watch = _StallWatch(process, command.target, stall_timeout)
        watching, tail = asyncio.create_task(watch.run()), asyncio.create_task(stderr_tail(process))
        try:
            last = await _follow(process, duration, on_progress, watch)
            code = await process.wait()
            _require_room(await tail)
            _require_success(code, watch, summarize_error(await tail, command))
        finally:
            watching.cancel()
            tail.cancel()
            await asyncio.gather(watching, tail, return_exceptions=True)
    await on_progress(EncodeProgress(100.0, last.speed, last.bytes_out))


def summarize_error(stderr: bytes, command: EncodeCommand) -> str:
    """ffmpeg's last useful line, for users, without local paths and addresses."""
    lines = stderr.decode("utf-8", "replace").splitlines()
    summary = next((line for line in reversed(lines) if line.strip() and line != _NO_REASON), "no reason was reported")
    for path in (command.source, command.target):
        summary = summary.replace(file_url(path), "the file").replace(str(path.absolute()), "the file")
    return _ABSOLUTE_PATH.sub("…", _ADDRESS.sub("", summary)).strip()[:_LONGEST_SUMMARY]


class _StallWatch:
    """Kills an ffmpeg that makes no progress: a broken source can block a decoder without end.

    Growth of the file on disk counts as well as ffmpeg's clock, because the clock stops at the end, while ffmpeg moves
    the index of a long video from the last to the first bytes.
    """

    def __init__(self, process: Process, target: Path, timeout: float) -> None:
        self.position: float | None = None
        self.stalled = False
        self._process = process
        self._target = target
        self._timeout = timeout

    async def run(self) -> None:
        """Watch the process. Returns once it was killed."""
        last_state, changed_at = await self._state(), time.monotonic()
        while time.monotonic() - changed_at < self._timeout:
            await asyncio.sleep(min(1.0, self._timeout / 4))
            state = await self._state()
            if state != last_state:
                last_state, changed_at = state, time.monotonic()
        self.stalled = True
        kill(self._process)

    async def _state(self) -> tuple[object, ...]:
        return self.position, *await asyncio.to_thread(_footprint, self._target)


def _footprint(path: Path) -> tuple[int, int]:
    try:
        stat = path.stat()
    except OSError:
        return 0, 0
    return stat.st_size, stat.st_mtime_ns


def _size_limit(source: Path) -> int:
    return int(source.stat().st_size * _GROWTH) + _GROWTH_SLACK


async def _follow(
    process: Process, duration: float | None, on_progress: OnProgress, watch: _StallWatch
) -> EncodeProgress:
    assert process.stdout is not None
    progress = EncodeProgress(0.0, None, 0)
    async for block in blocks(process.stdout):
        watch.position = out_time(block)
        progress = advance(progress, block, duration)
        await on_progress(progress)
    return progress


def _require_room(stderr: bytes) -> None:
    """Raise :class:`NoSpace` for a full disk. ffmpeg has no exit code for it, and some releases exit with 0 if only the
    last bytes did not fit.
    """
    for number in (errno.ENOSPC, errno.EDQUOT):
        if os.strerror(number).encode() in stderr:
            raise NoSpace("the disk is full for the encoder")


def _require_success(code: int, watch: _StallWatch, reason: str) -> None:
    if code == 0:
        return
    if watch.stalled:
        raise CompressionFailed("The encoder made no progress and was stopped.")
    if code == -signal.SIGXFSZ:
        raise CompressionFailed("The compressed video became too large, so the encoder was stopped.")
    if code < 0:
        raise CompressionFailed(f"The encoder {describe_end(code)}.")
    raise CompressionFailed(f"The encoder failed: {reason}")
