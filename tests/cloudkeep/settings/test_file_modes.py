"""Files of earlier versions that other users can read are made private at the start."""

import logging
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from cloudkeep.settings.file_modes import make_private
from cloudkeep.settings.settings import Settings

Make = Callable[[str, int], Path]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path, blob_url=(tmp_path / "elsewhere").as_uri())


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """A file or a folder of the data folder, with this mode."""

    def made(name: str, mode: int) -> Path:
        path = tmp_path / name.rstrip("/")
        path.parent.mkdir(exist_ok=True)
        path.mkdir() if name.endswith("/") else path.touch()
        path.chmod(mode)
        return path

    return made


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("cloudkeep.sqlite3", 0o644, 0o600),
        ("cloudkeep.sqlite3-wal", 0o666, 0o600),
        ("cloudkeep.sqlite3-shm", 0o604, 0o600),
        ("migration.lock", 0o644, 0o600),
        ("scrub.json", 0o644, 0o600),
        ("valkey/", 0o755, 0o700),
        ("logs/", 0o777, 0o700),
        ("elsewhere/blobs/", 0o755, 0o700),
        ("elsewhere/staging/", 0o755, 0o700),
    ],
)
def test_what_others_can_read_is_made_private_with_a_warning(
    settings: Settings, make: Make, caplog: pytest.LogCaptureFixture, name: str, before: int, after: int
) -> None:
    path = make(name, before)
    make_private(settings)
    assert mode_of(path) == after
    assert caplog.messages == [f"other users could use these files and folders, which are private now: {path}"]


def test_one_warning_names_all_of_them(settings: Settings, make: Make, caplog: pytest.LogCaptureFixture) -> None:
    paths = make("logs/", 0o755), make("cloudkeep.sqlite3", 0o644)
    make_private(settings)
    (warning,) = caplog.messages
    assert warning.endswith(f"private now: {paths[0]}, {paths[1]}")


@pytest.mark.parametrize(("name", "mode"), [("cloudkeep.sqlite3", 0o640), ("valkey/", 0o750), ("logs/", 0o700)])
def test_access_of_a_group_alone_is_an_operators_choice(
    settings: Settings, make: Make, caplog: pytest.LogCaptureFixture, name: str, mode: int
) -> None:
    path = make(name, mode)
    make_private(settings)
    assert (mode_of(path), caplog.messages) == (mode, [])


@pytest.mark.parametrize(("name", "mode"), [("notes.txt", 0o644), ("elsewhere/", 0o755)])
def test_files_and_folders_of_the_operator_are_not_changed(
    settings: Settings, make: Make, name: str, mode: int
) -> None:
    path = make(name, mode)
    make_private(settings)
    assert mode_of(path) == mode


def test_a_mode_that_cannot_be_changed_is_reported_and_nothing_else_stops(
    settings: Settings, make: Make, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Path, mode: int) -> None:
        raise PermissionError(1, "Operation not permitted")

    path = make("cloudkeep.sqlite3", 0o644)
    monkeypatch.setattr(Path, "chmod", refuse)
    make_private(settings)
    assert [(record.levelno, record.message) for record in caplog.records] == [
        (
            logging.WARNING,
            f"{path} can be used by other users, and its mode cannot be changed: Operation not permitted",
        )
    ]
