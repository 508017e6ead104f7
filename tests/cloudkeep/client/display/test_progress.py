"""Tests of how progress is put into words."""

import pytest

from cloudkeep.client.display.progress import SENDING, Meter, Moment
from cloudkeep.client.errors import printable
from tests.cloudkeep.client.conftest import Watcher


@pytest.mark.parametrize(
    ("moment", "pace"),
    [
        (Moment("x", 1), ""),
        (Moment("x", 1, "2.0x"), "2.0x"),
        (Moment("x", 1, "2.0x", 61.4), "2.0x  0:01:01"),
        (Moment("x", 1, "", 36_005.0), "10:00:05"),
        (Moment("x", 1, "", 0.2), "0:00:00"),
    ],
)
def test_speed_and_time_left_are_shown_as_far_as_they_are_known(moment: Moment, pace: str) -> None:
    assert moment.pace == pace


def test_bytes_become_a_percentage_that_never_goes_back(watcher: Watcher) -> None:
    meter = Meter(watcher, SENDING, 200)
    for done in (50, 20, 200):
        meter.at(done)
    assert [moment.percent for moment in watcher.moments] == [25.0, 100.0]


def test_speed_and_time_left_come_from_what_was_done(watcher: Watcher) -> None:
    meter = Meter(watcher, SENDING, 2**40)
    meter.at(0)
    meter.at(2**40)
    assert watcher.moments[-1].speed.endswith("B/s")
    assert watcher.moments[-1].eta == "0:00:00"


@pytest.mark.parametrize(
    ("name", "shown"),
    [("film.mp4", "film.mp4"), ("a\x1b[2Jb\n", "a\\x1b[2Jb\\n"), ("gp\u202e4", "gp\\u202e4"), ("\udc80", "\\udc80")],
)
def test_names_cannot_command_the_terminal(name: str, shown: str) -> None:
    assert printable(name) == shown
