"""``cloudkeep restore``: which of its two meanings an argument has."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from cloudkeep.cli.commands import is_backup
from cloudkeep.cli.main import app
from services.maintenance.backup.layout import DOCUMENT, MARKER


@pytest.mark.parametrize("name", [DOCUMENT, MARKER, f"2026-11-30T03-00-00Z/{DOCUMENT}"])
def test_a_backup_also_a_damaged_one_and_a_folder_of_backups_are_recognised(tmp_path: Path, name: str) -> None:
    (file := tmp_path / name).parent.mkdir(exist_ok=True)
    file.touch()
    assert is_backup(str(tmp_path))


@pytest.mark.parametrize("path", ["/", "/dev/null", "/missing", "\0", "folder_01arz3ndektsv4rrffq69g5fav"])
def test_anything_else_is_an_item_of_the_trash(path: str) -> None:
    assert not is_backup(path)


def test_without_a_server_it_says_that_the_argument_is_no_backup(tmp_path: Path) -> None:
    environment = {"CLOUDKEEP_TOKEN": "token", "CLOUDKEEP_DATA_DIR": str(tmp_path / "data")}
    result = CliRunner().invoke(app, ["restore", str(tmp_path / "backups\n")], env=environment)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.splitlines()[-1] == f"cloudkeep: {tmp_path}/backups\\n is not a backup on this machine either"


def test_only_one_backup_is_restored_at_a_time(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["restore", "--force", str(tmp_path), "/other"])
    assert (result.exit_code, result.stdout) == (2, "")
    assert "one backup is restored at a time" in result.stderr
