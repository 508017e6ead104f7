"""Runs ffmpeg and ffprobe on untrusted files.

A media file is like a program for its parser. The parser may read this one file and nothing else: no network, and no
playlist that names other files. The process gets nothing of the worker's environment (which has secrets), a low
priority, limits on its memory and output, and it never outlives the worker.
"""

import asyncio
import os
import resource
import signal
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from storage.child_process import dies_with_parent

# Containers with their own streams. Deliberately excluded are hls, dash, concat, image2 and all others that open
# further files, and the picture formats, which are not media here.
_CONTAINERS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,flv,mpegts,mpeg,ogg,asf,mxf,dv,"
    "wav,w64,aiff,caf,mp3,flac,aac,ac3,eac3,amr"
)

#: Streams that are opened of a file. Every one costs time and a decoder: 400 took 6 s and 550 MB, these take 1 s and
#: 85 MB. Players show one, films have a few dozen with all their languages, and a whole television multiplex about 60.
MAX_STREAMS = 64

INPUT_OPTIONS = {
    "protocol_whitelist": "file",
    "format_whitelist": _CONTAINERS,
    "max_pixels": str(8192 * 8192),
    "max_streams": str(MAX_STREAMS),
}
"""Options without their dash, which come before every input of either program."""

# 8K video with the slowest preset takes 6 GB on two cores. Half of the memory must be enough: above it, the encoding
# fails, instead of the kernel choosing a process to kill.
_LEAST_MEMORY = 2 * 1024**3
_NICENESS = 10
_STDERR_TAIL = 4096


def file_url(path: Path) -> str:
    """The URL of a file that ffmpeg takes literally, also with a leading dash, a colon or a percent sign."""
    return f"file:{path.absolute()}"


@asynccontextmanager
async def guarded(command: Sequence[str], *, max_file_bytes: int | None = None) -> AsyncIterator[Process]:
    """Run a command with pipes for stdout and stderr; it is killed and reaped when the block ends in any way.

    No file that it writes may be larger than ``max_file_bytes``: a larger write ends it with SIGXFSZ.
    """
    starting = asyncio.ensure_future(
        asyncio.create_subprocess_exec(
            *command,
            stdin=DEVNULL,
            stdout=PIPE,
            stderr=PIPE,
            env=_environment(),
            start_new_session=True,
            preexec_fn=_restrict(max_file_bytes),
        )
    )
    try:
        yield await asyncio.shield(starting)
    finally:
        # A cancelled start is awaited as well: uvloop kills its process, but does not wait until it has ended.
        await asyncio.wait({starting})
        if starting.exception() is None:
            kill(starting.result())
            # Not wait(): that of asyncio only returns once all output has been read, and some may remain.
            await starting.result().communicate()


async def stderr_tail(process: Process) -> bytes:
    """Read all of stderr, so that the process never blocks, and keep its end."""
    assert process.stderr is not None
    tail = b""
    while block := await process.stderr.read(65536):
        tail = (tail + block)[-_STDERR_TAIL:]
    return tail


def kill(process: Process) -> None:
    """Kill the process and its children, unless it has ended."""
    if process.returncode is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def _environment() -> dict[str, str]:
    return {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ}


def _restrict(max_file_bytes: int | None) -> Callable[[], None]:
    """The ``preexec_fn``. Everything that may fail or allocate is done here, before the fork."""
    bind = dies_with_parent()
    limits = [_limit(resource.RLIMIT_CORE, 0), _limit(resource.RLIMIT_DATA, _memory())]
    if max_file_bytes is not None:
        limits.append(_limit(resource.RLIMIT_FSIZE, max_file_bytes))

    def restrict() -> None:
        bind()
        os.nice(_NICENESS)
        for kind, bounds in limits:
            resource.setrlimit(kind, bounds)

    return restrict


def _memory() -> int:
    return max(_LEAST_MEMORY, os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2)


def _limit(kind: int, limit: int) -> tuple[int, tuple[int, int]]:
    """Limit the value to the process's own hard limit, which cannot be raised."""
    _, hard = resource.getrlimit(kind)
    bound = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
    return kind, (bound, bound)
