"""Turning what ffmpeg said into what its user may read."""

import re

from workers.media.command import EncodeCommand
from workers.media.guard import file_url

_LONGEST = 200
# "[h264 @ 0x564b9d066d00] " names a part of ffmpeg and an address in its memory.
_CONTEXT = re.compile(r"\[[^\]]* @ 0x[0-9a-f]+\] *")
_ABSOLUTE_PATH = re.compile(r"(?:file:)?/[^\s:'\"]+")
_NO_REASON = "Conversion failed!"


def summarize_error(stderr: bytes, command: EncodeCommand) -> str:
    """Return ffmpeg's last useful line, free of local paths and addresses; a stand-in when it said nothing."""
    lines = stderr.decode("utf-8", "replace").splitlines()
    said = next((line for line in reversed(lines) if line.strip() and line != _NO_REASON), "no reason was given")
    for name in (command.source, command.target):
        said = said.replace(file_url(name), "the file").replace(str(name.absolute()), "the file")
    said = _ABSOLUTE_PATH.sub("…", _CONTEXT.sub("", said))
    return said.strip()[:_LONGEST]
