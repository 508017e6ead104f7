"""Progress as lines, without a terminal. For progress bars see ``test_terminal``."""

import pytest

from cloudkeep.client.display.display import Display, open_display
from cloudkeep.client.display.progress import READING, SENDING, ByteCounter, StageProgress

Capture = pytest.CaptureFixture[str]


def lines(*shown: StageProgress) -> None:
    """Show the progress of a file without a terminal."""
    display = Display(bars=False)
    with display.bars:
        track = display.track("film.mp4")
        for progress in shown:
            track.show(progress)


def test_without_a_terminal_nothing_is_drawn(capsys: Capture) -> None:
    display = open_display()
    with display.bars:
        display.track("film.mp4").end("ready")
        display.result("an-id")
    assert capsys.readouterr() == ("an-id\n", "film.mp4: ready\n")


def test_each_stage_and_each_tenth_of_it_is_a_line(capsys: Capture) -> None:
    lines(*(StageProgress(stage, done, 1000, speed="") for stage in (READING, SENDING) for done in (0, 99, 100, 1000)))
    printed = [line.partition("  ")[0] for line in capsys.readouterr().err.splitlines()]
    assert printed == [f"film.mp4: {stage} {percent} %" for stage in ("reading", "sending") for percent in (0, 10, 100)]


@pytest.mark.parametrize(
    ("progress", "line"),
    [
        (StageProgress("x", 1, speed=""), "x 1 %"),
        (StageProgress("x", 1, speed="2.0x"), "x 1 %  2.0x"),
        (StageProgress("x", 1, speed="2.0x", eta_seconds=61.4), "x 1 %  2.0x  0:01:01"),
        (StageProgress("x", 1, speed="", eta_seconds=36_005.0), "x 1 %  10:00:05"),
        (StageProgress("x", 1, speed="", eta_seconds=0.2), "x 1 %  0:00:00"),
        (StageProgress("x", 1, 2), "x 50 %"),
    ],
)
def test_speed_and_time_left_are_shown_when_they_are_known(progress: StageProgress, line: str, capsys: Capture) -> None:
    lines(progress)
    assert capsys.readouterr().err == f"film.mp4: {line}\n"


def test_the_speed_of_bytes_is_measured_and_no_time_left_is_guessed_from_the_first_samples(capsys: Capture) -> None:
    display = Display(bars=False)
    counter = ByteCounter(display.track("film.mp4"), SENDING, 2**40)
    for done in (0, 2**38, 2**39, 2**40):
        counter.update(done)
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("film.mp4: sending 100 %  ")
    assert last.endswith("B/s")


def test_the_time_left_of_a_stage_of_the_server_is_not_guessed(capsys: Capture) -> None:
    lines(*(StageProgress("verifying", percent, 100, speed="") for percent in (0, 20, 40, 60)))
    assert capsys.readouterr().err.splitlines() == [f"film.mp4: verifying {percent} %" for percent in (0, 20, 40, 60)]


def test_a_message_is_shown_once_until_there_is_another(capsys: Capture) -> None:
    track = Display(bars=False).track("[bold]film[/]")
    for text in ("lost", "lost", "back", "lost"):
        track.note(text)
    assert capsys.readouterr().err.splitlines() == [f"[bold]film[/]: {text}" for text in ("lost", "back", "lost")]


def test_a_long_line_is_not_wrapped(capsys: Capture) -> None:
    Display(bars=False).track("film.mp4").end("x " * 500)
    assert capsys.readouterr().err == f"film.mp4: {'x ' * 500}\n"
