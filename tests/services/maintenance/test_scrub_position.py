"""The position of a scrub between two runs."""

from pathlib import Path
from uuid import UUID, uuid4

import pytest

from services.maintenance.scrub import Damage, Verdict
from services.maintenance.scrub_position import Position, forget, load, save
from tests.support.faults.disk import files_end_at


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "scrub.json"


def test_what_was_saved_is_loaded(path: Path) -> None:
    position, last = Position(), uuid4()
    position.take(Verdict(uuid4(), "a", 7, Damage.CHANGED))
    position.take(Verdict(last, "b", 3))
    save(path, position)
    assert load(path) == position == Position(last, 2, 10, 1)


def test_a_pass_that_is_over_is_forgotten(path: Path) -> None:
    save(path, Position(uuid4(), 1, 1, 0))
    forget(path)
    forget(path)
    assert load(path) == Position()


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", '{"last": "x"}', '{"last": null}', "\0"])
def test_what_cannot_be_read_is_the_beginning(path: Path, text: str) -> None:
    path.write_text(text)
    assert load(path) == Position()


def test_a_full_disk_keeps_what_was_saved_before(path: Path) -> None:
    before = Position(UUID(int=1), 1, 1, 0)
    save(path, before)
    with files_end_at(0):
        save(path, Position(UUID(int=2), 2, 2, 0))
    assert load(path) == before
