"""One progress bar for many files."""

import pytest

from cloudkeep.client.display.display import Display
from cloudkeep.client.display.progress import READING, SENDING, Ended, StageProgress
from cloudkeep.client.display.whole import WholeDisplay

Capture = pytest.CaptureFixture[str]


def whole(size: int) -> WholeDisplay:
    """A display of files with so many bytes, on lines."""
    return WholeDisplay(Display(bars=False), "files", size, with_ids=False)


def test_the_bytes_of_all_files_are_one_progress(capsys: Capture) -> None:
    display = whole(100)
    track = display.track("a", 50)
    track.show(StageProgress(READING, 50, 50))
    track.show(StageProgress(SENDING, 25, 50))
    track.end("ready: https://example.org/secret")
    display.track("b", 50).end("ready")
    display.close(0)
    lines = [line.partition("  ")[0] for line in capsys.readouterr().err.splitlines()]
    assert lines == [
        "files: sending 25 %",
        "files: sending 50 %",
        "files: sending 100 %",
        "files: 2 uploaded",
    ]


def test_files_that_fail_are_kept_with_their_reasons_even_if_two_have_one_name(capsys: Capture) -> None:
    display = whole(3)
    display.track("a", 1).end("not uploaded: the server refuses it", Ended.FAILED)
    display.track("a", 1).end("not uploaded: it was changed", Ended.FAILED)
    display.track("b", 1).end("ready")
    display.close(0)
    assert display.problems == [("a", "not uploaded: the server refuses it"), ("a", "not uploaded: it was changed")]
    assert [line.partition("  ")[0] for line in capsys.readouterr().err.splitlines()] == [
        "files: sending 33 %",
        "files: sending 67 %",
        "files: sending 100 %",
        "files: 1 uploaded, 2 failed",
    ]


def test_a_file_that_is_not_compressed_is_uploaded_and_kept_with_the_reason(capsys: Capture) -> None:
    display = whole(2)
    display.track("a", 1).end("ready")
    track = display.track("b", 1)
    track.link("original", "https://example.org/secret")
    track.end("uploaded, but not compressed: no video", Ended.NOT_COMPRESSED)
    display.close(0)
    assert display.problems == [("b", "uploaded, but not compressed: no video")]
    lines = capsys.readouterr().err.splitlines()
    assert (lines[-1], [line for line in lines if "secret" in line]) == (
        "files: 2 uploaded, 1 of them not compressed",
        [],
    )


def test_what_failed_before_is_counted(capsys: Capture) -> None:
    whole(0).close(2)
    assert capsys.readouterr().err == "files: 0 uploaded, 2 failed\n"


def test_empty_files_are_no_division_by_zero(capsys: Capture) -> None:
    display = whole(0)
    display.track("a").end("ready")
    display.close(0)
    assert capsys.readouterr().err.splitlines()[-1] == "files: 1 uploaded"


def test_a_message_about_all_files_is_one_of_the_whole(capsys: Capture) -> None:
    whole(0).note("waiting")
    assert capsys.readouterr().err == "files: waiting\n"


def test_ids_are_printed_on_request(capsys: Capture) -> None:
    WholeDisplay(Display(bars=False), "files", 0, with_ids=True).result("file_1")
    whole(0).result("file_2")
    assert capsys.readouterr().out == "file_1\n"
