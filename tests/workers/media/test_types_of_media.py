"""The media types of files that ffmpeg writes: by their content alone, and with what ffprobe finds in them."""

import asyncio
import subprocess
from pathlib import Path

from services.media.content_types.media_types import EXAMINED, examine, media_type
from workers.media.probe import probe
from workers.media.tools import Toolbox, find_tools

PICTURE = ("-map", "0:v", "-map", "1:a", "-c:v", "mpeg4", "-c:a", "aac")
SOUND = ("-map", "1:a")
#: Each file: how it is made, and the type that it has under a name that says nothing.
FILES = {
    "a.mp4": (PICTURE, "video/mp4"),
    "a.mov": (PICTURE, "video/quicktime"),
    "a.3gp": ((*PICTURE, "-s", "176x144"), "video/3gpp"),
    "a.mkv": (PICTURE, "video/x-matroska"),
    "a.avi": (PICTURE, "video/x-msvideo"),
    "a.ts": (PICTURE, "video/mp2t"),
    "a.m2ts": ((*PICTURE, "-mpegts_m2ts_mode", "1", "-f", "mpegts"), "video/mp2t"),
    "a.webm": (("-map", "0:v", "-c:v", "libvpx"), "video/webm"),
    "a.ogv": (("-map", "0:v", "-c:v", "libtheora"), "video/ogg"),
    "sound.mp4": ((*SOUND, "-c:a", "aac"), "audio/mp4"),
    "sound.webm": ((*SOUND, "-c:a", "libopus"), "audio/webm"),
    "sound.mka": ((*SOUND, "-c:a", "aac"), "audio/x-matroska"),
    "a.m4a": ((*SOUND, "-c:a", "aac"), "audio/mp4"),
    "a.mp3": (SOUND, "audio/mpeg"),
    "untagged.mp3": ((*SOUND, "-id3v2_version", "0", "-write_xing", "0"), "audio/mpeg"),
    "a.flac": (SOUND, "audio/flac"),
    "a.opus": (SOUND, "audio/ogg"),
    "a.wav": (SOUND, "audio/wav"),
    "a.aac": (SOUND, "audio/aac"),
    "a.ac3": (SOUND, "audio/ac3"),
}


def make(folder: Path, tools: Toolbox) -> None:
    """Write all files by one run of ffmpeg."""
    sources = ("testsrc=size=64x48:rate=25:duration=1", "sine=duration=1")
    inputs = [part for source in sources for part in ("-f", "lavfi", "-i", source)]
    outputs = [part for name, (options, _) in FILES.items() for part in (*options, str(folder / name))]
    subprocess.run([tools.ffmpeg, "-v", "error", *inputs, *outputs], check=True, timeout=60)


async def test_every_file_has_the_type_of_its_content(tmp_path: Path) -> None:
    """Its name says nothing, and its sender nonsense. Containers with sound alone are audio."""
    tools = find_tools()
    await asyncio.to_thread(make, tmp_path, tools)
    facts = await asyncio.gather(*(probe(tmp_path / name, tools) for name in FILES))
    found = {}
    for name, each in zip(FILES, facts, strict=True):
        examined = examine((tmp_path / name).read_bytes()[:EXAMINED])
        assert examined.may_be_media
        found[name] = media_type(examined, "data", "text/html", each)
    assert found == {name: mime_type for name, (_, mime_type) in FILES.items()}
