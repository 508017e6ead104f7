"""A file with many streams costs no more than one with a few."""

import json
from pathlib import Path

import pytest

from services.media.types import Compression, CompressionPreset
from tests.support.clips import Maker, bigbuckbunny, bikes
from tests.support.transport_stream import announce
from workers.media.command import compress_command
from workers.media.encode import EncodeProgress, encode
from workers.media.guard import INPUT_OPTIONS, MAX_STREAMS, file_url, guarded
from workers.media.probe import TooManyStreams, probe
from workers.media.tools import Toolbox

ANNOUNCED = 7_600


async def streams_of(path: Path, tools: Toolbox) -> int:
    """The streams that ffprobe opens with the options of every input."""
    options = [part for name, value in INPUT_OPTIONS.items() for part in (f"-{name}", value)]
    shown = ["-v", "quiet", "-of", "json", "-show_entries", "stream=index"]
    async with guarded([tools.ffprobe, *shown, *options, file_url(path)]) as process:
        output, _ = await process.communicate()
    return len(json.loads(output)["streams"])


async def ignore(_: EncodeProgress) -> None:
    pass


async def test_of_thousands_of_streams_only_the_first_ones_are_opened(tools: Toolbox, tmp_path: Path) -> None:
    clip = tmp_path / "many.ts"
    clip.write_bytes(announce(ANNOUNCED))
    assert await streams_of(clip, tools) == MAX_STREAMS
    assert (await probe(clip, tools)).video_codec == "h264"


async def test_a_recording_with_many_streams_is_compressed_from_its_first_ones(
    tools: Toolbox, make: Maker, tmp_path: Path
) -> None:
    sounds = ["-map", "0:v", *["-map", "0:a"] * (MAX_STREAMS + 6)]
    clip, target = make("many.ts", "-i", bigbuckbunny(), *sounds, "-c", "copy", "-t", "1"), tmp_path / "out.mp4"
    facts = await probe(clip, tools)
    command = compress_command(tools, clip, target, Compression(CompressionPreset.FAST), facts)
    await encode(command, facts.duration, ignore, 30.0)
    assert (await probe(target, tools)).is_video


async def test_a_file_that_cannot_be_opened_because_of_its_streams_says_so(tools: Toolbox, make: Maker) -> None:
    clip = make("many.mp4", "-i", bikes(), *["-map", "0:v"] * (MAX_STREAMS + 1), "-c", "copy", "-frames:v", "2")
    with pytest.raises(TooManyStreams, match=f"more than {MAX_STREAMS} streams"):
        await probe(clip, tools)


async def test_as_many_streams_as_are_allowed_are_opened(tools: Toolbox, make: Maker) -> None:
    clip = make("enough.mp4", "-i", bikes(), *["-map", "0:v"] * MAX_STREAMS, "-c", "copy", "-frames:v", "2")
    assert await streams_of(clip, tools) == MAX_STREAMS
    assert (await probe(clip, tools)).is_video
