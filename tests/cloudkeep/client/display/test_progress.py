"""The progress of bytes."""

import pytest

from cloudkeep.client.display.progress import SENDING, ByteCounter, StageProgress
from cloudkeep.client.errors import printable
from tests.cloudkeep.client.conftest import Watcher


def test_bytes_become_a_percentage_that_never_goes_down(watcher: Watcher) -> None:
    counter = ByteCounter(watcher, SENDING, 200)
    for done in (50, 20, 200):
        counter.update(done)
    assert [progress.percent for progress in watcher.shown] == [25.0, 25.0, 100.0]


def test_the_servers_stages_are_in_percent() -> None:
    assert StageProgress("Verifying", 12.5).percent == 12.5


@pytest.mark.parametrize(
    ("name", "shown"),
    [("film.mp4", "film.mp4"), ("a\x1b[2Jb\n", "a\\x1b[2Jb\\n"), ("gp\u202e4", "gp\\u202e4"), ("\udc80", "\\udc80")],
)
def test_control_characters_in_names_are_escaped(name: str, shown: str) -> None:
    assert printable(name) == shown
