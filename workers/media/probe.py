"""Examines files with ffprobe."""

import asyncio
import json
from asyncio.subprocess import DEVNULL, Process
from pathlib import Path

from services.media.types import MediaFacts
from workers.media.facts import read_facts
from workers.media.guard import INPUT_OPTIONS, file_url, guarded
from workers.media.tools import Toolbox

_ENTRIES = (
    "format=format_name,duration,bit_rate,probe_score:format_tags=major_brand"
    ":stream=codec_type,codec_name,width,height,avg_frame_rate,duration:stream_tags=rotate"
    ":stream_disposition=attached_pic,timed_thumbnails,still_image:stream_side_data=rotation"
)
# A transport stream can announce thousands of streams; this is many times what a player shows.
_MAX_OUTPUT = 1024 * 1024


class NotMedia(Exception):
    """The file is not audio or video that CloudKeep understands."""


class ProbeTimedOut(NotMedia):
    """ffprobe did not finish: the file counts as no media for now, but a later attempt may succeed."""


async def probe(source: Path, tools: Toolbox, timeout: float = 30) -> MediaFacts:
    """The facts of an audio or video file.

    Raises :class:`NotMedia` for any other file (empty, a text, a picture, a playlist, damaged beyond reading), its
    subclass :class:`ProbeTimedOut` after ``timeout`` seconds, and ``OSError`` if the file does not exist.
    """
    if not (await asyncio.to_thread(source.stat)).st_size:
        raise NotMedia("The file is empty.")
    try:
        async with asyncio.timeout(timeout), guarded(_probe_command(source, tools), stderr=DEVNULL) as process:
            output = await _output(process)
    except TimeoutError as error:
        raise ProbeTimedOut(f"The file could not be examined within {timeout:g} seconds.") from error
    facts = read_facts(json.loads(output))
    if facts is None:
        raise NotMedia("The file has neither video nor audio.")
    return facts


def _probe_command(source: Path, tools: Toolbox) -> list[str]:
    options = [part for name, value in INPUT_OPTIONS.items() for part in (f"-{name}", value)]
    return [tools.ffprobe, "-v", "error", *options, "-of", "json", "-show_entries", _ENTRIES, "-i", file_url(source)]


async def _output(process: Process) -> bytes:
    assert process.stdout is not None
    output = bytearray()
    while block := await process.stdout.read(65536):
        output += block
        if len(output) > _MAX_OUTPUT:
            raise NotMedia("The file has too many streams.")
    if await process.wait() != 0:
        raise NotMedia("The file is not audio or video.")
    return bytes(output)
