"""Parses the output of ffmpeg's ``-progress``: blocks of ``key=value`` lines, each ending with ``progress``."""

import asyncio
import math
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

Block = Mapping[str, str]


@dataclass(frozen=True)
class EncodeProgress:
    """The progress of an encoding.

    ``percent`` is 0 to 100 and never decreases; ``speed`` is a multiple of real time; ``bytes_out`` is the size of the
    result so far. None means not known yet, or never for a source of unknown duration.
    """

    percent: float
    speed: float | None
    bytes_out: int


async def blocks(stream: asyncio.StreamReader) -> AsyncIterator[Block]:
    """Yield each report until ffmpeg closes its output."""
    block: dict[str, str] = {}
    async for line in stream:
        key, _, value = line.decode("ascii", "replace").strip().partition("=")
        block[key] = value
        if key == "progress":
            yield block
            block = {}


def out_time(block: Block) -> float | None:
    """The duration of the result so far, in seconds; None before the first report."""
    microseconds = _number(block.get("out_time_us"))
    return None if microseconds is None else microseconds / 1_000_000


def advance(before: EncodeProgress, block: Block, duration: float | None) -> EncodeProgress:
    """The progress after a report. It stays below 100, because the file must still be finished."""
    seconds = out_time(block) or 0.0
    speed = _number(block.get("speed", "").removesuffix("x")) or before.speed
    percent = min(99.9, 100 * seconds / duration) if duration else 0.0
    bytes_out = int(_number(block.get("total_size")) or 0)
    return EncodeProgress(max(before.percent, percent), speed, max(before.bytes_out, bytes_out))


def _number(text: str | None) -> float | None:
    """Parse a number from zero up; ffmpeg prints N/A, and negative times at the start."""
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if math.isfinite(number) and number >= 0 else None
