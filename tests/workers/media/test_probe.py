"""Tests of the probe, with the real ffprobe on real files."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from services.media.types import MediaFacts
from tests.support.clips import Maker, bigbuckbunny, bikes, portrait
from workers.media.probe import NotMedia, ProbeTimedOut, probe
from workers.media.tools import Toolbox


async def test_the_bunny_has_picture_and_sound(tools: Toolbox) -> None:
    expected = MediaFacts(5.312, 1280, 720, 25.0, "h264", "aac", 1_589_963, "mp4")
    assert await probe(bigbuckbunny(), tools) == expected


async def test_the_bikes_make_no_sound(tools: Toolbox) -> None:
    assert await probe(bikes(), tools) == MediaFacts(10.0, 640, 272, 25.0, "h264", None, 407_894, "mp4")


async def test_a_portrait_clip_is_higher_than_wide(tools: Toolbox, tmp_path: Path) -> None:
    facts = await probe(portrait(tmp_path), tools)
    assert (facts.width, facts.height) == (272, 640)


async def test_sound_alone_is_no_video(tools: Toolbox, make: Maker) -> None:
    facts = await probe(make("sound.m4a", "-i", bigbuckbunny(), "-vn", "-c", "copy"), tools)
    assert (facts.is_video, facts.audio_codec) == (False, "aac")


async def test_cover_art_is_no_video(tools: Toolbox, make: Maker) -> None:
    cover = make("cover.jpg", "-i", bikes(), "-frames:v", "1", "-update", "1")
    mapped = ["-map", "0:a", "-map", "1:v", "-c:v", "copy", "-disposition:v", "attached_pic"]
    facts = await probe(make("song.mp3", "-i", bigbuckbunny(), "-i", cover, *mapped), tools)
    assert (facts.is_video, facts.video_codec, facts.audio_codec, facts.container) == (False, None, "mp3", "mp3")


async def test_a_recording_that_was_never_closed_has_no_duration(tools: Toolbox, make: Maker) -> None:
    facts = await probe(make("live.mkv", "-i", bikes(), "-c", "copy", "-live", "1"), tools)
    assert (facts.is_video, facts.duration) == (True, None)


@pytest.mark.parametrize(
    "content",
    [b"", b"To whom it may concern\n" * 50, random.Random(1).randbytes(1 << 20), bytes(100_000)],
    ids=["empty", "text", "noise", "zeros"],
)
async def test_a_name_does_not_make_a_video(tools: Toolbox, tmp_path: Path, content: bytes) -> None:
    fake = tmp_path / "video.mp4"
    fake.write_bytes(content)
    with pytest.raises(NotMedia):
        await probe(fake, tools)


async def test_a_video_cut_off_before_its_index_is_no_media(tools: Toolbox, tmp_path: Path) -> None:
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(bikes().read_bytes()[:200_000])
    with pytest.raises(NotMedia):
        await probe(cut, tools)


@pytest.mark.parametrize("options", [("a.png", "-update", "1"), ("a.jpg", "-update", "1"), ("a.gif",)])
async def test_a_picture_is_no_media(tools: Toolbox, make: Maker, options: tuple[str, ...]) -> None:
    name, *rest = options
    with pytest.raises(NotMedia):
        await probe(make(name, "-i", bikes(), "-frames:v", "2", *rest), tools)


async def test_a_file_that_is_not_there_is_not_called_something_else(tools: Toolbox, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        await probe(tmp_path / "gone.mp4", tools)


@pytest.mark.parametrize("name", ["-i.mp4", "a:b'c.mp4", "%03d.mp4", "http:x.mp4", "über 📼\n.mp4"])
async def test_a_name_is_only_a_name(tools: Toolbox, tmp_path: Path, name: str) -> None:
    clip = tmp_path / name
    clip.write_bytes(bikes().read_bytes())
    assert (await probe(clip, tools)).is_video


async def test_a_probe_out_of_time_leaves_nothing_running(
    tools: Toolbox, tmp_path: Path, users_of: Callable[[Path], list[int]]
) -> None:
    clip = tmp_path / "own.mp4"  # other tests have programs at work on the one that they share
    clip.write_bytes(bikes().read_bytes())
    with pytest.raises(ProbeTimedOut, match=r"within 0\.001 seconds"):
        await probe(clip, tools, timeout=0.001)
    assert not users_of(clip)


async def test_an_answer_without_end_is_not_kept(tools: Toolbox, tmp_path: Path) -> None:
    endless = tmp_path / "ffprobe"
    endless.write_text("#!/bin/sh\nexec yes\n")
    endless.chmod(0o755)
    with pytest.raises(NotMedia, match="too long"):
        await probe(bikes(), Toolbox(tools.ffmpeg, str(endless)))
