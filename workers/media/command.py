"""The ffmpeg command that compresses a video. Every argument is fixed: the only user input is an enum."""

from dataclasses import dataclass
from pathlib import Path

import ffmpeg

from services.media.types import Compression, CompressionPreset, MediaFacts
from workers.media.guard import INPUT_OPTIONS, file_url
from workers.media.tools import Toolbox


@dataclass(frozen=True)
class _Effort:
    """``preset`` and ``crf`` are those of x264; ``audio`` in bits per second."""

    preset: str
    crf: int
    audio: int


# On the two test clips, each line gives a smaller result than the one above, in about 1, 1.5 and 3 times the time.
_EFFORTS = {
    CompressionPreset.FAST: _Effort("superfast", crf=27, audio=128_000),
    CompressionPreset.BALANCED: _Effort("veryfast", crf=25, audio=128_000),
    CompressionPreset.SMALL: _Effort("medium", crf=30, audio=96_000),
}
_LEAST_AUDIO = 24_000
_LEAST_VIDEO = 32_000

_MP4 = {"format": "mp4", "movflags": "+faststart", "map_metadata": -1, "map_chapters": -1}
_GLOBAL = ("-progress", "pipe:1", "-nostats", "-stats_period", "0.25", "-nostdin", "-v", "error", "-y")


@dataclass(frozen=True)
class EncodeCommand:
    """An ffmpeg command, and the two files it names."""

    argv: tuple[str, ...]
    source: Path
    target: Path


def compress_command(
    tools: Toolbox, source: Path, target: Path, compression: Compression, facts: MediaFacts
) -> EncodeCommand:
    """Build the command that turns ``source`` into an MP4 at ``target`` which plays from its first bytes.

    The result has H.264 and stereo AAC, which every player supports, and only the first video and audio stream.
    Metadata is dropped: renditions get shared, and phones record the place and the device. ``facts`` are those of a
    video.
    """
    source_file = ffmpeg.input(file_url(source), **INPUT_OPTIONS)
    streams = [source_file["V:0"], source_file["a:0?"]] if facts.audio_codec else [source_file["V:0"]]
    options = _MP4 | _video(compression, facts) | _audio(compression, facts)
    output = ffmpeg.output(*streams, file_url(target), **options)
    argv: list[str] = output.global_args(*_GLOBAL).compile(cmd=tools.ffmpeg)
    return EncodeCommand(tuple(argv), source, target)


def _video(compression: Compression, facts: MediaFacts) -> dict[str, object]:
    effort = _EFFORTS[compression.preset]
    width, height = _fit(facts, compression.max_height)
    options = {"c:v": "libx264", "preset": effort.preset, "crf": effort.crf, "pix_fmt": "yuv420p"}
    return options | {"vf": f"scale={width}:{height}"} | _ceiling(facts, _audio_rate(effort, facts))


def _audio(compression: Compression, facts: MediaFacts) -> dict[str, object]:
    if not facts.audio_codec:
        return {}
    rate = _audio_rate(_EFFORTS[compression.preset], facts)
    return {"c:a": "aac", "b:a": rate, "af": "aformat=channel_layouts=stereo|mono"}


def _fit(facts: MediaFacts, max_height: int | None) -> tuple[int, int]:
    """The size of the picture: never larger than the source, and even, as 4:2:0 requires."""
    assert facts.width
    assert facts.height
    height = max(2, min(facts.height, max_height or facts.height) // 2 * 2)
    width = max(2, facts.width * height // facts.height // 2 * 2)
    return width, height


def _audio_rate(effort: _Effort, facts: MediaFacts) -> int:
    if not facts.audio_codec:
        return 0
    return min(effort.audio, max(_LEAST_AUDIO, facts.bit_rate // 4)) if facts.bit_rate else effort.audio


def _ceiling(facts: MediaFacts, audio_rate: int) -> dict[str, object]:
    """Limit the total bit rate to that of the source, so that compression does not make the file larger."""
    if not facts.bit_rate:
        return {}
    rate = max(_LEAST_VIDEO, facts.bit_rate - audio_rate)
    return {"maxrate": rate, "bufsize": 2 * rate}
