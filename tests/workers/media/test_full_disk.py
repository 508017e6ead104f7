"""An encoder reports a full disk at any point, and the same run succeeds when there is space."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.storage.rows import ROOT
from tests.support.clips import bikes
from tests.support.faults.disk import on_a_small_disk

ENCODE = """
import sys
from pathlib import Path
import uvloop
from services.media.types import Compression, CompressionPreset
from storage.errors import NoSpace
from workers.media.command import compress_command
from workers.media.encode import encode
from workers.media.probe import probe
from workers.media.tools import find_tools

async def ignore(progress):
    pass

async def main(source, folder):
    tools = find_tools()
    facts, target = await probe(source, tools), folder / "out.mp4"
    command = compress_command(tools, source, target, Compression(CompressionPreset.FAST), facts)
    try:
        await encode(command, facts.duration, ignore, 60)
        print("encoded")
    except NoSpace:
        print("full")

uvloop.run(main(*map(Path, sys.argv[1:])))
"""


@pytest.mark.parametrize(("kibibytes", "end"), [(16, "full"), (200, "full"), (32_768, "encoded")])
def test_an_encoder_on_a_real_full_disk_says_so(tmp_path: Path, kibibytes: int, end: str) -> None:
    command = [sys.executable, "-c", ENCODE, str(bikes()), str(tmp_path)]
    command = [*on_a_small_disk(tmp_path, kibibytes), *command]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert result.stdout.split() == [end], result
