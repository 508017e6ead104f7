"""Tests of what a user may read of ffmpeg's complaints."""

from pathlib import Path

import pytest

from workers.media.command import EncodeCommand
from workers.media.error_summary import summarize_error

COMMAND = EncodeCommand((), Path("/srv/data/blobs/my film: 1"), Path("/srv/data/scratch/x.mp4"))


@pytest.mark.parametrize(
    ("stderr", "message"),
    [
        ("", "no reason was given"),
        ("first\nlast\n\n", "last"),
        ("Invalid data\nConversion failed!\n", "Invalid data"),
        ("[in#0 @ 0x55a1] [dec:h264 @ 0x7f] Decode error", "Decode error"),
        ("Error opening input file:/srv/data/blobs/my film: 1.", "Error opening input the file."),
        ("/srv/data/scratch/x.mp4: No space left on device", "the file: No space left on device"),
        ("Cannot load '/usr/lib/x.so': not found", "Cannot load '…': not found"),
        ("x" * 5000, "x" * 200),
        (b"\xff\xfe bad".decode("latin-1"), "ÿþ bad"),
    ],
)
def test_the_last_useful_line_is_told_without_paths(stderr: str, message: str) -> None:
    assert summarize_error(stderr.encode(), COMMAND) == message
