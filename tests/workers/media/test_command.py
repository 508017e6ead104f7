"""Tests of the compression command with the real ffmpeg."""

import asyncio
import json
import statistics
import subprocess
from pathlib import Path
from typing import Any

import pytest

from services.media.types import Compression, CompressionPreset, MediaFacts
from tests.support.clips import Maker, bigbuckbunny, bikes, portrait
from workers.media.command import compress_command
from workers.media.probe import probe
from workers.media.tools import Toolbox

FAST = CompressionPreset.FAST


async def _compress(
    source: Path, tools: Toolbox, folder: Path, preset: CompressionPreset = FAST, max_height: int | None = None
) -> Path:
    target = folder / "rendition"
    command = compress_command(tools, source, target, Compression(preset, max_height), await probe(source, tools))
    await asyncio.to_thread(subprocess.run, command.argv, check=True, capture_output=True, timeout=60)
    return target


async def _size(clip: Path, tools: Toolbox) -> tuple[int | None, int | None]:
    facts = await probe(clip, tools)
    return facts.width, facts.height


def _weight(clip: Path) -> int:
    return clip.stat().st_size


def _top_level_boxes(clip: Path) -> list[str]:
    """ISO/IEC 14496-12: a box is its length, four bytes big-endian, its name, and its content."""
    data, names, at = clip.read_bytes(), [], 0
    while at < len(data):
        names.append(data[at + 4 : at + 8].decode("ascii"))
        at += int.from_bytes(data[at : at + 4]) or len(data)
    return names


def _details(clip: Path, tools: Toolbox) -> Any:
    command = [
        tools.ffprobe,
        "-v",
        "error",
        "-of",
        "json",
        "-show_streams",
        "-show_format",
        "-show_chapters",
        str(clip),
    ]
    return json.loads(subprocess.run(command, check=True, capture_output=True, timeout=60).stdout)


def _first_picture(tools: Toolbox, clip: Path, turn: str) -> bytes:
    """The first frame, small and grey."""
    shown = ["-frames:v", "1", "-vf", f"{turn},scale=17:40", "-pix_fmt", "gray", "-f", "rawvideo", "-"]
    command = [tools.ffmpeg, "-v", "error", "-i", str(clip), *shown]
    return subprocess.run(command, check=True, capture_output=True, timeout=60).stdout


def _apart(one: bytes, other: bytes) -> float:
    return statistics.mean(abs(a - b) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("preset", CompressionPreset)
@pytest.mark.parametrize("clip", [bigbuckbunny(), bikes()], ids=["bunny", "bikes"])
async def test_a_rendition_is_smaller_and_as_long(
    tools: Toolbox, tmp_path: Path, make: Maker, clip: Path, preset: CompressionPreset
) -> None:
    clip = make("two-seconds.mp4", "-i", clip, "-t", "2", "-c", "copy")
    source, rendition = await probe(clip, tools), await _compress(clip, tools, tmp_path, preset)
    facts = await probe(rendition, tools)
    assert _weight(rendition) < _weight(clip)
    assert facts.duration == pytest.approx(source.duration, abs=0.1)
    assert (facts.width, facts.height, facts.video_codec) == (source.width, source.height, "h264")


async def test_a_rendition_plays_from_its_first_bytes(tools: Toolbox, tmp_path: Path) -> None:
    boxes = _top_level_boxes(await _compress(bigbuckbunny(), tools, tmp_path))
    assert boxes[0] == "ftyp"
    assert boxes.index("moov") < boxes.index("mdat")


async def test_everything_plays_the_result(tools: Toolbox, tmp_path: Path, make: Maker) -> None:
    source = make(
        "10bit.mkv", "-i", bigbuckbunny(), "-t", "1", "-c:v", "ffv1", "-pix_fmt", "yuv444p10le", "-c:a", "flac"
    )
    video, sound = _details(await _compress(source, tools, tmp_path), tools)["streams"]
    assert (video["codec_name"], video["pix_fmt"]) == ("h264", "yuv420p")
    assert (sound["codec_name"], sound["channels"]) == ("aac", 2)


async def test_mono_stays_mono(tools: Toolbox, tmp_path: Path, make: Maker) -> None:
    source = make("mono.mp4", "-i", bigbuckbunny(), "-t", "1", "-c:v", "copy", "-ac", "1")
    assert _details(await _compress(source, tools, tmp_path), tools)["streams"][1]["channels"] == 1


@pytest.mark.parametrize(
    ("max_height", "size"), [(None, (1280, 720)), (1080, (1280, 720)), (480, (852, 480)), (144, (256, 144))]
)
async def test_the_height_is_bounded_and_never_raised(
    tools: Toolbox, tmp_path: Path, make: Maker, max_height: int | None, size: tuple[int, int]
) -> None:
    clip = make("short.mp4", "-i", bigbuckbunny(), "-t", "1", "-c", "copy")
    assert await _size(await _compress(clip, tools, tmp_path, max_height=max_height), tools) == size


@pytest.mark.parametrize(("odd", "even"), [("637x271", (634, 270)), ("15x601", (14, 600)), ("33x1", (66, 2))])
async def test_odd_sizes_become_even(
    tools: Toolbox, tmp_path: Path, make: Maker, odd: str, even: tuple[int, int]
) -> None:
    source = make("odd.mkv", "-i", bikes(), "-t", "0.2", "-s", odd, "-c:v", "ffv1", "-pix_fmt", "yuv444p")
    assert await _size(await _compress(source, tools, tmp_path), tools) == even


async def test_a_portrait_clip_is_stored_upright(tools: Toolbox, tmp_path: Path) -> None:
    rendition = await _compress(portrait(tmp_path), tools, tmp_path, max_height=320)
    video = _details(rendition, tools)["streams"][0]
    assert (video["width"], video["height"], "side_data_list" in video) == (136, 320, False)
    seen, upright, upside_down = (
        _first_picture(tools, clip, turn)
        for clip, turn in [(rendition, "null"), (bikes(), "transpose=clock"), (bikes(), "transpose=cclock")]
    )
    assert _apart(seen, upright) < 5 < _apart(seen, upside_down)


async def test_a_picture_that_changes_its_size_midway_keeps_the_first(
    tools: Toolbox, tmp_path: Path, make: Maker
) -> None:
    parts = [make(f"{size}.ts", "-i", bikes(), "-t", "1", "-s", size) for size in ("640x272", "320x136")]
    source = tmp_path / "both.ts"
    source.write_bytes(b"".join(part.read_bytes() for part in parts))
    assert await _size(await _compress(source, tools, tmp_path), tools) == (640, 272)


async def test_the_first_video_and_the_first_sound_are_all_there_is(
    tools: Toolbox, tmp_path: Path, make: Maker
) -> None:
    (tmp_path / "words.srt").write_text("1\n00:00:00,000 --> 00:00:01,000\nHello\n")
    cover = make("cover.png", "-i", bikes(), "-frames:v", "1", "-update", "1")
    inputs = ["-i", bikes(), "-i", bigbuckbunny(), "-i", tmp_path / "words.srt", "-i", cover]
    mapped = ["-map", "3:v", "-map", "0:v", "-map", "1:a", "-map", "1:a", "-map", "2:s", "-map", "1:v"]
    options = ["-c", "copy", "-c:s", "mov_text", "-disposition:v:0", "attached_pic", "-t", "1"]
    rendition = await _compress(make("many.mp4", *inputs, *mapped, *options), tools, tmp_path)
    assert [stream["codec_type"] for stream in _details(rendition, tools)["streams"]] == ["video", "audio"]
    assert await _size(rendition, tools) == (640, 272)


async def test_where_and_how_it_was_filmed_stays_in_the_original(tools: Toolbox, tmp_path: Path, make: Maker) -> None:
    (tmp_path / "tags").write_text(";FFMETADATA1\nlocation=+48.1+011.5/\nmodel=Phone\n[CHAPTER]\nEND=500\ntitle=Home\n")
    tagged = ["-map_metadata", "1", "-map_chapters", "1", "-metadata:s:v", "handler_name=Phone", "-c", "copy"]
    flags = ["-movflags", "use_metadata_tags"]
    source = make("home.mp4", "-i", bikes(), "-i", tmp_path / "tags", *tagged, *flags)
    assert all(word in str(_details(source, tools)) for word in ("+48.1", "Phone", "Home"))
    told = str(_details(await _compress(source, tools, tmp_path), tools))
    assert not any(word in told for word in ("+48.1", "Phone", "Home"))


@pytest.mark.parametrize("name", ["-i.mp4", "a:b'c.mp4", "%03d.mp4", "über 📼\n.mp4"])
async def test_a_name_is_only_a_name(tools: Toolbox, tmp_path: Path, make: Maker, name: str) -> None:
    source = make("short.mp4", "-i", bikes(), "-t", "0.2", "-c", "copy").rename(tmp_path / name)
    folder = tmp_path / f"to {name}"
    folder.mkdir()
    assert _weight(await _compress(source, tools, folder))


@pytest.mark.parametrize(("rate", "video", "audio"), [(1_000_000, 872_000, 128_000), (200_000, 150_000, 50_000)])
def test_picture_and_sound_share_the_rate_of_the_source(tools: Toolbox, rate: int, video: int, audio: int) -> None:
    facts = MediaFacts(10.0, 640, 272, 25.0, "h264", "aac", rate, "mp4")
    argv = compress_command(tools, Path("a"), Path("b"), Compression(FAST), facts).argv
    told = {name: argv[argv.index(name) + 1] for name in ("-maxrate", "-bufsize", "-b:a")}
    assert told == {"-maxrate": str(video), "-bufsize": str(2 * video), "-b:a": str(audio)}


async def test_a_source_that_hides_its_rate_has_no_ceiling(tools: Toolbox) -> None:
    facts = MediaFacts(None, 640, 272, 25.0, "h264", None, None, "matroska")
    assert "-maxrate" not in compress_command(tools, Path("a"), Path("b"), Compression(FAST), facts).argv
