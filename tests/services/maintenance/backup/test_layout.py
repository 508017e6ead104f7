"""Folders of backups: which backup is meant, and who may use it."""

from pathlib import Path

import pytest

from services.maintenance.backup.layout import DOCUMENT, BackupError, claim_folder, find_backup, locked


def add_backup(folder: Path, name: str) -> Path:
    (folder / name).mkdir(parents=True)
    (folder / name / DOCUMENT).touch()
    return folder / name


def test_the_newest_backup_is_meant_or_the_one_that_is_named(tmp_path: Path) -> None:
    old = add_backup(tmp_path, "2026-11-29T03-00-00Z")
    new = add_backup(tmp_path, "2026-11-30T03-00-00Z")
    add_backup(tmp_path, "2026-12-01T03-00-00Z.partial")
    (tmp_path / "2026-12-02T03-00-00Z").mkdir()
    assert (find_backup(tmp_path), find_backup(old)) == (new, old)


def test_a_folder_without_a_backup_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BackupError, match="there is no backup in "):
        find_backup(tmp_path)
    with pytest.raises(BackupError, match="there is no folder "):
        find_backup(tmp_path / "missing")
    (tmp_path / "letter.txt").touch()
    with pytest.raises(BackupError, match="is not a folder"):
        find_backup(tmp_path / "letter.txt")


def test_one_process_writes_or_several_read(tmp_path: Path) -> None:
    claim_folder(tmp_path)
    with (
        locked(tmp_path, shared=True),
        locked(tmp_path, shared=True),
        pytest.raises(BackupError, match="another backup or restore uses "),
        locked(tmp_path),
    ):
        pass
    with locked(tmp_path), pytest.raises(BackupError), locked(tmp_path, shared=True):
        pass


def test_a_copy_of_a_folder_without_its_marker_can_be_read_and_continued(tmp_path: Path) -> None:
    add_backup(tmp_path, "2026-11-30T03-00-00Z")
    with locked(tmp_path, shared=True):
        pass
    claim_folder(tmp_path)
    with locked(tmp_path):
        pass
