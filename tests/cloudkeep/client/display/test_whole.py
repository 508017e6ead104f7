"""One progress bar for many files."""

import pytest

from cloudkeep.client.display.display import Display
from cloudkeep.client.display.progress import READING, SENDING, StageProgress
from cloudkeep.client.display.whole import WholeDisplay

Capture = pytest.CaptureFixture[str]


def whole(**sizes: int) -> WholeDisplay:
    """A display of these files, on lines."""
    return WholeDisplay(Display(bars=False), "files", sizes, with_ids=False)


def test_the_bytes_of_all_files_are_one_progress(capsys: Capture) -> None:
    display = whole(a=50, b=50)
    track = display.track("a")
    track.show(StageProgress(READING, 50, 50))
    track.show(StageProgress(SENDING, 25, 50))
    track.end("ready: https://example.org/secret")
    display.track("b").end("ready")
    display.close()
    lines = [line.partition("  ")[0] for line in capsys.readouterr().err.splitlines()]
    assert lines == [
        "files: sending 25 %",
        "files: sending 50 %",
        "files: sending 100 %",
        "files: 2 files are stored",
    ]


def test_files_that_fail_are_kept_with_their_reasons(capsys: Capture) -> None:
    display = whole(a=1, b=1)
    display.track("a").end("not uploaded: the server refuses it")
    display.track("b").end("ready")
    display.close()
    assert display.failed == {"a": "not uploaded: the server refuses it"}
    assert capsys.readouterr().err.splitlines()[-1] == "files: 1 files are stored, 1 failed"


def test_empty_files_are_no_division_by_zero(capsys: Capture) -> None:
    display = whole(a=0)
    display.track("a").end("ready")
    display.close()
    assert capsys.readouterr().err.splitlines()[-1] == "files: 1 files are stored"


def test_a_message_about_all_files_is_one_of_the_whole(capsys: Capture) -> None:
    whole().note("waiting")
    assert capsys.readouterr().err == "files: waiting\n"


def test_ids_are_printed_on_request(capsys: Capture) -> None:
    WholeDisplay(Display(bars=False), "files", {}, with_ids=True).result("file_1")
    whole().result("file_2")
    assert capsys.readouterr().out == "file_1\n"
