"""Parses ffprobe's JSON. Its content comes from the file, so it is not trusted."""

import math
from collections.abc import Mapping
from typing import Any

from services.media.types import MediaFacts

# Below this score ffprobe guesses: noise sometimes looks like the start of an MP3.
_CREDIBLE_SCORE = 25
_Section = Mapping[str, Any]
_PICTURES = ("attached_pic", "timed_thumbnails", "still_image")


def read_facts(answer: _Section) -> MediaFacts | None:
    """The facts, or None if there is no stream to play."""
    container, streams = answer.get("format", {}), answer.get("streams", [])
    video: _Section = next(filter(_is_moving, streams), {})
    audio: _Section = next(filter(_is_sound, streams), {})
    if not (video or audio) or container.get("probe_score", _CREDIBLE_SCORE) < _CREDIBLE_SCORE:
        return None
    width, height = _displayed_size(video)
    return MediaFacts(
        duration=_positive(container.get("duration")) or _positive((video or audio).get("duration")),
        width=width,
        height=height,
        frame_rate=_positive(video.get("avg_frame_rate")),
        video_codec=_codec(video),
        audio_codec=_codec(audio),
        bit_rate=_whole(container.get("bit_rate")),
        container=_container(container),
    )


def _is_moving(stream: _Section) -> bool:
    disposition = stream.get("disposition", {})
    return stream.get("codec_type") == "video" and not any(disposition.get(name) for name in _PICTURES)


def _is_sound(stream: _Section) -> bool:
    return stream.get("codec_type") == "audio"


def _displayed_size(video: _Section) -> tuple[int | None, int | None]:
    """The size after rotation: players and ffmpeg apply the rotation that a phone recorded."""
    width, height = _whole(video.get("width")), _whole(video.get("height"))
    rotations = [side.get("rotation") for side in video.get("side_data_list", [])]
    rotations.append(video.get("tags", {}).get("rotate"))
    quarter_turns = next((round(angle / 90) for angle in map(_number, rotations) if angle is not None), 0)
    return (height, width) if quarter_turns % 2 else (width, height)


def _codec(stream: _Section) -> str | None:
    return str(stream.get("codec_name", "unknown")) if stream else None


def _container(container: _Section) -> str:
    """The most likely format of the file, since ffprobe names a family of formats."""
    names = str(container.get("format_name", "unknown")).split(",")
    if "mp4" in names:
        return "mov" if container.get("tags", {}).get("major_brand", "").strip() == "qt" else "mp4"
    return names[0]


def _positive(text: object) -> float | None:
    number = _number(text)
    return number if number is not None and number > 0 else None


def _whole(text: object) -> int | None:
    number = _positive(text)
    return None if number is None else int(number)


def _number(text: object) -> float | None:
    """Parse a decimal or a fraction; None for N/A, nonsense and infinity."""
    numerator, _, denominator = str(text).partition("/")
    try:
        number = float(numerator) / float(denominator or 1)
    except (ValueError, ZeroDivisionError):
        return None
    return number if math.isfinite(number) else None
