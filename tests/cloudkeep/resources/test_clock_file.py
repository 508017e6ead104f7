"""What the processes of a host know of the database's clock, in a file."""

import json
import stat
from pathlib import Path

import pytest

from cloudkeep.resources import clock_file
from cloudkeep.resources.clock_file import load, save
from services.core.clock import ClockState


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / clock_file.NAME


@pytest.mark.parametrize("state", [ClockState(1_800_000_000.25), ClockState(1_800_000_000.25, 77.5)])
def test_a_state_is_found_again_in_a_private_file(file: Path, state: ClockState) -> None:
    save(file, state)
    assert load(file) == state
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(file.parent.iterdir()) == [file]


def test_the_file_is_written_again_only_if_it_would_say_something_else(file: Path) -> None:
    save(file, ClockState(100.0, 5.0))
    save(file, ClockState(100.5, 6.0))
    assert load(file) == ClockState(100.0, 5.0)
    save(file, ClockState(102.0, 6.0))
    assert load(file) == ClockState(102.0, 6.0)
    save(file, ClockState(102.0))
    assert load(file) == ClockState(102.0)


def test_a_state_of_another_start_of_the_host_is_none(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(file, ClockState(100.0))
    other = tmp_path / "boot_id"
    other.write_text("another start\n")
    monkeypatch.setattr(clock_file, "BOOT_ID", other)
    assert load(file) is None


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", "null", '{"boot_id": 1}', '{"boot_id": "ID", "origin": "x"}'])
def test_a_damaged_file_is_none(file: Path, text: str) -> None:
    file.write_text(text.replace("ID", clock_file.BOOT_ID.read_text().strip()))
    assert load(file) is None


def test_a_file_that_cannot_be_written_is_none(tmp_path: Path) -> None:
    missing = tmp_path / "missing" / clock_file.NAME
    save(missing, ClockState(100.0))
    assert load(missing) is None


def test_the_file_is_json(file: Path) -> None:
    save(file, ClockState(100.0))
    assert json.loads(file.read_text()).keys() == {"boot_id", "origin", "jumped_at"}
