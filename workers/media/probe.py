"""Examines files with ffprobe."""

import asyncio
import json
import logging
import subprocess
from asyncio.subprocess import Process
from pathlib import Path

from services.core.counters import Counters
from services.media.types import MediaFacts
from storage.child_process import describe_end
from storage.errors import in_one_line
from workers.media.facts import read_facts
from workers.media.guard import INPUT_OPTIONS, MAX_STREAMS, file_url, guarded, stderr_tail
from workers.media.tools import Toolbox

logger = logging.getLogger("cloudkeep.media")

TIMEOUT_SECONDS = 30.0
_ENTRIES = (
    "format=format_name,duration,bit_rate,probe_score:format_tags=major_brand"
    ":stream=codec_type,codec_name,width,height,avg_frame_rate,duration:stream_tags=rotate"
    ":stream_disposition=attached_pic,timed_thumbnails,still_image:stream_side_data=rotation"
)
# Many times what the streams that are opened can need.
_MAX_OUTPUT = 1024 * 1024
#: The option that the messages of all formats name when they have reached its limit.
_STREAM_LIMIT = b"max_streams"
#: The exit code of ffprobe for a file that it cannot read. Any other code means that ffprobe itself failed.
_UNREADABLE = 1
_MALFORMED = (ValueError, TypeError, AttributeError, RecursionError)


class NotMedia(Exception):
    """The file is not audio or video that CloudKeep understands."""


class TooManyStreams(NotMedia):
    """The file cannot be opened without more streams than :data:`workers.media.guard.MAX_STREAMS`."""


class ProbeFailed(Exception):
    """ffprobe failed: it is missing, was killed, or its answer is malformed. A later attempt may succeed."""


class ProbeTimedOut(ProbeFailed):
    """ffprobe did not finish in time."""


async def probe(source: Path, tools: Toolbox, timeout: float = TIMEOUT_SECONDS) -> MediaFacts:
    """The facts of an audio or video file.

    Of a file with more than :data:`workers.media.guard.MAX_STREAMS` streams, the first ones are examined, if its format
    allows it. Raises :class:`NotMedia` for any other file (empty, a text, a picture, a playlist, damaged beyond
    reading), its subclass :class:`TooManyStreams`, :class:`ProbeFailed` if that cannot be found out, its subclass
    :class:`ProbeTimedOut` after ``timeout`` seconds, and ``OSError`` if the file does not exist.
    """
    if not (await asyncio.to_thread(source.stat)).st_size:
        raise NotMedia("The file is empty.")
    try:
        async with asyncio.timeout(timeout), guarded(_probe_command(source, tools)) as process:
            output = await _output(process)
    except TimeoutError as error:
        raise ProbeTimedOut(f"The file could not be examined within {timeout:g} seconds.") from error
    except (OSError, subprocess.SubprocessError) as error:
        raise ProbeFailed(f"ffprobe could not be run: {in_one_line(error)}") from error
    facts = _parse(output)
    if facts is None:
        raise NotMedia("The file has neither video nor audio.")
    return facts


async def try_probe(source: Path, tools: Toolbox, counters: Counters) -> MediaFacts | None:
    """The facts of an audio or video file; None for any other file, and whenever it cannot be probed.

    It raises no error, because a file is stored whether it can be probed or not. Failures are logged and counted.
    """
    try:
        return await probe(source, tools, TIMEOUT_SECONDS)
    except NotMedia:
        return None
    except Exception as error:
        count_failure(error, counters)
        return None


def count_failure(error: Exception, counters: Counters) -> None:
    """Count and log that a file is stored without facts, although it may be media."""
    counters.probe_failures += 1
    logger.warning("a file was stored without media facts, because it could not be probed: %s", in_one_line(error))


def _probe_command(source: Path, tools: Toolbox) -> list[str]:
    options = [part for name, value in INPUT_OPTIONS.items() for part in (f"-{name}", value)]
    return [tools.ffprobe, "-v", "error", *options, "-of", "json", "-show_entries", _ENTRIES, "-i", file_url(source)]


async def _output(process: Process) -> bytes:
    reading_errors = asyncio.create_task(stderr_tail(process))
    try:
        output = await _stdout(process)
        _require_success(await process.wait(), await reading_errors)
    finally:
        reading_errors.cancel()
        await asyncio.gather(reading_errors, return_exceptions=True)
    return output


async def _stdout(process: Process) -> bytes:
    assert process.stdout is not None
    output = bytearray()
    while block := await process.stdout.read(65536):
        output += block
        if len(output) > _MAX_OUTPUT:
            raise NotMedia("The description of the file is too long.")
    return bytes(output)


def _require_success(code: int, errors: bytes) -> None:
    if code == _UNREADABLE and _STREAM_LIMIT in errors:
        raise TooManyStreams(f"The file has more than {MAX_STREAMS} streams.")
    if code == _UNREADABLE:
        raise NotMedia("The file is not audio or video.")
    if code != 0:
        raise ProbeFailed(f"ffprobe {describe_end(code)}")


def _parse(output: bytes) -> MediaFacts | None:
    try:
        return read_facts(json.loads(output))
    except _MALFORMED as error:
        raise ProbeFailed(f"ffprobe's answer is malformed: {in_one_line(error)}") from error
