"""Makes a short video clip to upload."""

import asyncio
import shutil
from contextlib import suppress
from pathlib import Path

from cloudkeep.client.errors import UsageError

#: Seconds until ffmpeg is stopped. It needs about one.
TIMEOUT = 60.0
#: A moving test picture with a tone, in codecs that every build of ffmpeg has. At this quality compression saves a lot.
ARGUMENTS = (
    *("-v", "error", "-nostdin", "-y"),
    *("-f", "lavfi", "-i", "testsrc2=size=1280x720:rate=25:duration=6"),
    *("-f", "lavfi", "-i", "sine=frequency=440:duration=6"),
    *("-c:v", "mpeg4", "-q:v", "2", "-c:a", "aac", "-shortest"),
)


async def make_clip(path: Path) -> None:
    """Make the clip. Raises :class:`UsageError` where there is no ffmpeg, or one that does not work."""
    try:
        process = await asyncio.create_subprocess_exec(_ffmpeg(), *ARGUMENTS, path, stderr=asyncio.subprocess.PIPE)
    except OSError as error:
        raise UsageError(f"ffmpeg cannot be started: {error.strerror}") from error
    try:
        async with asyncio.timeout(TIMEOUT):
            _, errors = await process.communicate()
    except TimeoutError:
        raise UsageError(f"ffmpeg did not make the clip within {TIMEOUT:g} seconds") from None
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
    if process.returncode:
        raise UsageError(f"ffmpeg cannot make the clip: {' '.join(errors.decode(errors='replace').split())[:200]}")


def _ffmpeg() -> str:
    """The bundled ffmpeg, or the one on PATH."""
    try:
        from imageio_ffmpeg import get_ffmpeg_exe

        return str(get_ffmpeg_exe())
    except (ImportError, RuntimeError) as error:
        if path := shutil.which("ffmpeg"):
            return path
        raise UsageError("ffmpeg was not found: install it, or the package imageio-ffmpeg") from error
