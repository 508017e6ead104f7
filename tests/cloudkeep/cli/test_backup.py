"""``cloudkeep backup`` and ``cloudkeep doctor --backup``, with SQLite and a folder of blobs."""

import asyncio
import json
import os
import random
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import pytest

from cloudkeep import __version__
from services.maintenance.backup.document import FORMAT
from services.maintenance.backup.layout import locked
from storage.database.connection import migrate
from tests.cloudkeep.cli.backups import (
    MIB,
    add_blob,
    backup,
    check,
    enlarge_database,
    flip,
    interrupted,
    kept,
    make_data_folder,
    only,
    restore,
    run,
    stored,
)
from tests.support.backends.databases import Databases
from tests.support.faults.disk import on_a_small_disk

pytestmark = pytest.mark.sqlite

OLD = "0009_indexes"
DAMAGES: dict[str, Callable[[Path], object]] = {
    "missing": Path.unlink,
    "changed": flip,
    "shorter": lambda path: os.truncate(path, 999),
    "longer": lambda path: os.truncate(path, 1001),
}


@pytest.fixture
def data_dir(tmp_path: Path, databases: Databases) -> Path:
    """A data folder in which a server has run before, with an account."""
    return make_data_folder(tmp_path / "data", databases)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder for backups that does not exist yet."""
    return tmp_path / "backups"


def test_a_backup_says_what_it_is_and_only_its_owner_can_read_it(data_dir: Path, folder: Path) -> None:
    key = add_blob(data_dir, b"content")
    result = backup(data_dir, folder, "--blobs")
    made = only(folder)
    assert (result.returncode, result.stdout.splitlines()) == (
        0,
        [
            f"Backup: {made} (1 account, 1 file, 0.0 MiB)",
            "Blobs: 0 were there, 1 copied, 0 damaged.",
            "COMPLETE",
        ],
    )
    document = json.loads((made / "backup.json").read_text())
    assert {**document, "files": sorted(document["files"]), "sha256": "", "created_at": ""} == {
        "format": FORMAT,
        "cloudkeep": __version__,
        "database": "sqlite",
        "migration": document["migration"],
        "created_at": "",
        "rows": {**document["rows"], "account": 1, "file_version": 1, "blob": 1},
        "blob_count": 1,
        "blob_bytes": 7,
        "blobs": "complete",
        "files": ["database/cloudkeep.sqlite3", "manifest.jsonl", "secret.keys"],
        "sha256": "",
    }
    assert kept(folder, key).read_bytes() == b"content"
    modes = {path.stat().st_mode & 0o777 for path in folder.rglob("*") if path.is_file()}
    assert (modes, {p.stat().st_mode & 0o777 for p in [folder, *folder.rglob("*")] if p.is_dir()}) == ({0o600}, {0o700})


def test_a_second_backup_copies_only_new_blobs(data_dir: Path, folder: Path) -> None:
    first = add_blob(data_dir, b"first")
    backup(data_dir, folder, "--blobs")
    status = kept(folder, first).stat()
    add_blob(data_dir, b"second")
    result = backup(data_dir, folder, "--blobs")
    assert "Blobs: 1 was there, 1 copied, 0 damaged." in result.stdout
    assert kept(folder, first).stat() == status
    assert kept(folder, first).stat().st_nlink == 1
    assert len(list(folder.glob("2*Z"))) == 2
    assert check(folder, "--verify").returncode == 0


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_blob_makes_the_backup_incomplete_but_the_others_are_copied(
    damage: str, data_dir: Path, folder: Path
) -> None:
    keys = [add_blob(data_dir, bytes([number]) * 1000, f"file-{number}") for number in range(3)]
    path = stored(data_dir, keys[1])
    DAMAGES[damage](path)
    result = backup(data_dir, folder, "--blobs")
    lines = result.stdout.splitlines()
    assert result.returncode == 1
    assert lines[1].startswith(f"BLOB_DAMAGED {keys[1]}: 'file-1' of ada ")
    assert lines[2:] == [
        "Blobs: 0 were there, 2 copied, 1 damaged.",
        "INCOMPLETE: some blobs could not be copied.",
    ]
    assert [kept(folder, key).exists() for key in keys] == [True, False, True]
    assert [path.name for path in folder.rglob("*.partial")] == []
    checked = check(folder)
    assert checked.returncode == 1
    assert [line.split()[0] for line in checked.stdout.splitlines()] == ["BACKUP_INCOMPLETE", "BACKUP_BLOB", "2"]


def test_only_blobs_that_no_backup_lists_are_pruned(data_dir: Path, folder: Path) -> None:
    listed, gone = add_blob(data_dir, b"listed"), add_blob(data_dir, b"gone!")
    backup(data_dir, folder, "--blobs")
    with closing(sqlite3.connect(data_dir / "cloudkeep.sqlite3")) as database, database:
        database.execute("DELETE FROM file_version WHERE blob_id = (SELECT id FROM blob WHERE key = ?)", [gone])
        database.execute("DELETE FROM blob WHERE key = ?", [gone])
    first = only(folder)
    remains = kept(folder, gone).with_name(f"{uuid4()}.partial")
    remains.touch()
    assert "Pruned: 1 blob (0.0 MiB)" in backup(data_dir, folder, "--blobs", "--prune").stdout
    assert (kept(folder, gone).exists(), remains.exists()) == (True, False)
    for path in sorted(first.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    first.rmdir()
    assert "Pruned: 1 blob (0.0 MiB)" in backup(data_dir, folder, "--blobs", "--prune").stdout
    assert (kept(folder, gone).exists(), kept(folder, listed).exists()) == (False, True)


def test_nothing_is_pruned_when_the_manifest_of_a_backup_cannot_be_read(data_dir: Path, folder: Path) -> None:
    key = add_blob(data_dir, b"content")
    backup(data_dir, folder, "--blobs")
    (only(folder) / "manifest.jsonl").write_text('{"key": "../../etc/passwd", "size": 1, "sha256": ""}\n')
    result = backup(data_dir, folder, "--blobs", "--prune")
    assert (result.returncode, kept(folder, key).exists()) == (2, True)
    assert "line 1 of " in result.stderr


def test_an_interrupted_backup_is_not_complete_and_the_next_one_goes_on(data_dir: Path, folder: Path) -> None:
    small, big = add_blob(data_dir, b"small"), add_blob(data_dir, random.Random(1).randbytes(200 * MIB))
    draft = kept(folder, big).with_name(f"{big}.partial")
    code, output, _ = interrupted(data_dir, "backup", "--blobs", str(folder), until=draft.exists)
    assert (code, output[-1].split(":")[0]) == (130, "INCOMPLETE")
    assert (kept(folder, big).exists(), draft.exists()) == (False, False)
    assert check(folder).stdout.startswith("BACKUP_INCOMPLETE")
    result = backup(data_dir, folder, "--blobs")
    assert (result.returncode, result.stdout.splitlines()[-1]) == (0, "COMPLETE"), result
    assert kept(folder, small).exists()
    assert check(folder, "--verify").returncode == 0


def test_a_backup_that_is_interrupted_during_the_copy_of_the_database_says_that_there_is_none(
    data_dir: Path, folder: Path
) -> None:
    enlarge_database(data_dir, 200 * MIB)
    drafts = "*.partial/database/*.partial"
    code, output, messages = interrupted(data_dir, "backup", str(folder), until=lambda: any(folder.glob(drafts)))
    assert (code, output) == (130, ["Interrupted: no backup was made."])
    assert messages[-1] == "Copying the database ..."
    assert [path.name for path in folder.iterdir()] == [".cloudkeep-backups"]


def test_what_a_killed_backup_left_is_no_backup_and_goes_with_the_next_one(data_dir: Path, folder: Path) -> None:
    backup(data_dir, folder)
    remains = folder / "2026-01-01T00-00-00Z.partial"
    only(folder).rename(remains)
    assert check(folder).stderr == f"cloudkeep: there is no backup in {folder}\n"
    assert backup(data_dir, folder).returncode == 0
    assert not remains.exists()


@pytest.mark.parametrize("place", [".", "backups", "blobs/backups"])
def test_a_backup_is_not_made_inside_the_data(place: str, data_dir: Path) -> None:
    result = backup(data_dir, data_dir / place)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.splitlines()[-1].endswith("whose loss a backup should survive: name another folder")


def test_a_folder_of_other_things_is_refused(data_dir: Path, folder: Path) -> None:
    folder.mkdir()
    (folder / "letter.txt").touch()
    result = backup(data_dir, folder)
    assert result.stderr.splitlines()[-1] == f"cloudkeep: {folder} has other files in it: name an empty or a new folder"
    assert (result.returncode, [path.name for path in folder.iterdir()]) == (2, ["letter.txt"])
    missing = backup(data_dir, folder / "no" / "such")
    assert missing.stderr.splitlines()[-1] == f"cloudkeep: cannot make {folder}/no/such: there is no folder {folder}/no"
    file = backup(data_dir, folder / "letter.txt")
    assert (file.returncode, file.stderr.splitlines()[-1]) == (2, f"cloudkeep: {folder}/letter.txt is not a folder")


def test_a_new_disk_counts_as_an_empty_folder(data_dir: Path, folder: Path) -> None:
    (folder / "lost+found").mkdir(parents=True)
    assert backup(data_dir, folder).returncode == 0


def test_a_database_of_an_older_version_is_not_backed_up(tmp_path: Path, folder: Path) -> None:
    (tmp_path / "old").mkdir()
    asyncio.run(migrate(f"sqlite://{tmp_path}/old/cloudkeep.sqlite3", OLD))
    result = backup(tmp_path / "old", folder)
    assert (result.returncode, result.stdout, folder.exists()) == (2, "", False)
    assert "the database is of an older version of CloudKeep" in result.stderr


def test_a_damaged_blob_of_a_backup_is_found_when_all_bytes_are_read(data_dir: Path, folder: Path) -> None:
    key = add_blob(data_dir, b"content")
    backup(data_dir, folder, "--blobs")
    flip(kept(folder, key))
    assert check(folder).returncode == 0
    result = check(folder, "--verify")
    assert (result.returncode, result.stdout.splitlines()) == (
        1,
        [f"BACKUP_BLOB {key}: has bytes other than those that were stored", "1 found."],
    )


def test_without_room_for_the_database_no_backup_is_made(data_dir: Path, folder: Path) -> None:
    folder.mkdir()
    prefix = on_a_small_disk(folder, 100)
    result = on_that_disk(prefix, data_dir, folder)
    assert (result.returncode, result.stdout) == (2, "")
    assert f"the disk of {folder}" in result.stderr.splitlines()[-1]


def test_without_room_for_the_blobs_the_backup_is_incomplete(data_dir: Path, folder: Path) -> None:
    add_blob(data_dir, bytes(5 * MIB))
    folder.mkdir()
    prefix = on_a_small_disk(folder, 3000)
    result = on_that_disk(prefix, data_dir, folder, "--blobs")
    assert result.returncode == 1
    assert result.stdout.splitlines()[-1].startswith("INCOMPLETE: a copy of the blobs needs 5.0 MiB, and the disk of ")


def on_that_disk(prefix: list[str], data_dir: Path, folder: Path, *options: str) -> "subprocess.CompletedProcess[str]":
    command = [*prefix, sys.executable, "-m", "cloudkeep", "backup", *options, str(folder)]
    environment = {**os.environ, "CLOUDKEEP_DATA_DIR": str(data_dir)}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


def test_a_store_that_is_away_makes_the_backup_incomplete(
    data_dir: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_blob(data_dir, b"content")
    monkeypatch.setenv("CLOUDKEEP_BLOB_URL", "s3://bucket?endpoint=http://127.0.0.1:9&region=x")
    monkeypatch.setenv("CLOUDKEEP_S3_ACCESS_KEY", "access")
    monkeypatch.setenv("CLOUDKEEP_S3_SECRET_KEY", "secret")
    result = backup(data_dir, folder, "--blobs")
    assert (result.returncode, result.stdout.splitlines()[-1].split(":")[0]) == (1, "INCOMPLETE"), result
    assert check(folder).stdout.startswith("BACKUP_INCOMPLETE")


def test_keys_of_the_environment_are_not_in_the_backup(
    data_dir: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLOUDKEEP_SECRET_KEYS", f"other:{'o' * 40}")
    result = backup(data_dir, folder)
    assert "back up the setting CLOUDKEEP_SECRET_KEYS as well" in result.stderr
    assert not (only(folder) / "secret.keys").exists()


def test_two_backups_into_one_folder_at_once_are_refused(data_dir: Path, folder: Path) -> None:
    backup(data_dir, folder)
    with locked(folder):
        result = backup(data_dir, folder)
        assert result.stderr.endswith(f"another backup or restore uses {folder}\n")
        assert restore(data_dir, folder, "--force").returncode == 2
    assert len(list(folder.glob("2*Z"))) == 1


def test_options_that_do_not_fit_are_refused(folder: Path) -> None:
    assert "--verify needs --backup" in run("doctor", "--verify").stderr
    assert "--fix cannot be combined with --backup" in check(folder, "--fix").stderr
    assert check(folder).stderr == f"cloudkeep: there is no folder {folder}\n"
