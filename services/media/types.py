"""The facts of a video and the options of its compression. Pure data, independent of any tool."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Self

from services.core.errors import InvalidInput

MIN_HEIGHT = 144
MAX_HEIGHT = 4320


class CompressionPreset(StrEnum):
    """The goal of a compression: little time, a balance, or a small result."""

    FAST = "FAST"
    BALANCED = "BALANCED"
    SMALL = "SMALL"


@dataclass(frozen=True)
class Compression:
    """How to compress a video. ``max_height`` is in pixels as displayed; None keeps the source's height."""

    preset: CompressionPreset
    max_height: int | None = None

    def validated(self) -> Self:
        """The same. Raises :class:`InvalidInput` unless ``max_height`` is even and between 144 and 4320.

        A 4:2:0 picture, which every player supports, has no odd height.
        """
        height = self.max_height
        if height is not None and (height % 2 or not MIN_HEIGHT <= height <= MAX_HEIGHT):
            message = f"The height must be an even number from {MIN_HEIGHT} to {MAX_HEIGHT}."
            raise InvalidInput(message, field="compress.maxHeight")
        return self

    def to_json(self) -> dict[str, object]:
        """Return what a JSON column stores."""
        return {"preset": self.preset.value, "max_height": self.max_height}

    @classmethod
    def from_json(cls, stored: Mapping[str, object]) -> Self:
        """Parse the result of :meth:`to_json`. Raises ``KeyError`` or ``ValueError`` for anything else."""
        return cls(CompressionPreset(str(stored["preset"])), _integer(stored.get("max_height")))


@dataclass(frozen=True)
class MediaFacts:
    """The facts that a probe found. None means that the file does not contain the value.

    ``duration`` is in seconds, ``width`` and ``height`` are in pixels as displayed (a portrait clip is higher than
    wide), ``bit_rate`` is the whole file's, in bits per second. ``video_codec`` is None without a moving picture: cover
    art is not a video.
    """

    duration: float | None
    width: int | None
    height: int | None
    frame_rate: float | None
    video_codec: str | None
    audio_codec: str | None
    bit_rate: int | None
    container: str

    @property
    def is_video(self) -> bool:
        """Whether the file has a video stream that can be compressed."""
        return bool(self.video_codec and self.width and self.height)

    def to_json(self) -> dict[str, object]:
        """Return what a JSON column stores."""
        return asdict(self)

    @classmethod
    def from_json(cls, stored: Mapping[str, object]) -> Self:
        """Parse the result of :meth:`to_json`, of any release: unknown keys are skipped, missing ones are None."""
        return cls(
            duration=_number(stored.get("duration")),
            width=_integer(stored.get("width")),
            height=_integer(stored.get("height")),
            frame_rate=_number(stored.get("frame_rate")),
            video_codec=_text(stored.get("video_codec")),
            audio_codec=_text(stored.get("audio_codec")),
            bit_rate=_integer(stored.get("bit_rate")),
            container=_text(stored.get("container")) or "unknown",
        )


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _integer(value: object) -> int | None:
    return value if isinstance(value, int) else None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
