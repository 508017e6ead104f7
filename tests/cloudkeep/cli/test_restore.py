"""``cloudkeep restore``, with SQLite and a folder of blobs."""

import json
import random
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from cloudkeep.settings.preflight import claimed
from services.maintenance.backup.document import FORMAT, render
from tests.cloudkeep.cli.backups import (
    KEYS,
    MIB,
    add_account,
    add_blob,
    add_upload,
    backup,
    check,
    flip,
    interrupted,
    kept,
    make_data_folder,
    only,
    record,
    restore,
    run,
    stored,
    uploads,
    users,
)
from tests.support.backends.databases import Databases

pytestmark = pytest.mark.sqlite


@pytest.fixture
def data_dir(tmp_path: Path, databases: Databases) -> Path:
    """A data folder in which a server has run before, with an account."""
    return make_data_folder(tmp_path / "data", databases)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder for backups that does not exist yet."""
    return tmp_path / "backups"


def test_every_damaged_file_of_a_backup_is_found_and_not_restored(data_dir: Path, folder: Path, tmp_path: Path) -> None:
    add_blob(data_dir, b"content")
    backup(data_dir, folder)
    made = only(folder)
    files = sorted(path for path in made.rglob("*") if path.is_file())
    assert [path.name for path in files] == ["backup.json", "cloudkeep.sqlite3", "manifest.jsonl", "secret.keys"]
    for path in files:
        content = flip(path)
        assert check(folder).returncode == 1, path
        restored = restore(tmp_path / "new", folder)
        assert (restored.returncode, (tmp_path / "new").exists()) == (2, False), path
        path.unlink()
        assert check(made).returncode in {1, 2}, path
        path.write_bytes(content)
    assert check(folder).stdout == "All is well.\n"
    (made / "extra").touch()
    assert check(folder).stdout.splitlines()[0] == "BACKUP_FILE extra: is not a file of the backup"


@pytest.mark.parametrize("change", [{"cloudkeep": "99.0"}, {"migration": "0999_later"}, {"format": FORMAT + 1}])
def test_a_backup_of_a_newer_version_is_refused(
    change: dict[str, object], data_dir: Path, folder: Path, tmp_path: Path
) -> None:
    backup(data_dir, folder)
    path = only(folder) / "backup.json"
    document = {**json.loads(path.read_text()), **change}
    del document["sha256"]
    path.write_bytes(render(document))
    result = restore(tmp_path / "new", folder)
    assert (result.returncode, result.stdout, (tmp_path / "new").exists()) == (2, "", False)
    assert result.stderr.splitlines()[-1].endswith("update CloudKeep first")


def test_a_restore_makes_the_data_folder_of_a_new_machine(data_dir: Path, folder: Path, tmp_path: Path) -> None:
    key = add_blob(data_dir, b"content")
    backup(data_dir, folder, "--blobs")
    new = tmp_path / "new"
    result = restore(new, folder)
    assert (result.returncode, result.stdout.splitlines()) == (
        0,
        ["Restored: 1 account, 1 file, 0.0 MiB.", "Blobs: 0 were there, 1 copied, 0 lost."],
    )
    assert (users(new / "cloudkeep.sqlite3"), stored(new, key).read_bytes()) == (["ada"], b"content")
    assert record(new, key).is_file()
    assert ((new / "secret.keys").read_text(), (new / "secret.keys").stat().st_mode & 0o777) == (KEYS, 0o600)
    assert sorted(path.name for path in new.iterdir()) == [
        *("blobs", "clock.json", "cloudkeep.lock", "cloudkeep.sqlite3", "migration.lock", "secret.keys")
    ]


def test_restored_files_have_records_so_that_a_later_restore_keeps_them(
    data_dir: Path, folder: Path, tmp_path: Path
) -> None:
    key = add_blob(data_dir, b"content")
    backup(data_dir, folder, "--blobs")
    restore(tmp_path / "new", folder)
    record = tmp_path / "new" / "blobs" / "records" / key[-2:] / key[-4:-2] / f"{key}.json"
    assert json.loads(record.read_text())["file_name"] == "holiday.mp4"
    assert run("doctor", data_dir=tmp_path / "new").stdout == "All is well.\n"


def test_unfinished_uploads_are_closed_so_that_their_senders_can_start_again(
    data_dir: Path, folder: Path, tmp_path: Path
) -> None:
    lost, kept_here = add_upload(data_dir), add_upload(data_dir)
    backup(data_dir, folder)
    new = tmp_path / "new"
    (new / "blobs" / "staging").mkdir(parents=True)
    (new / "blobs" / "staging" / kept_here).write_bytes(b"chunk")
    result = restore(new, folder)
    assert (result.returncode, result.stdout.splitlines()[1]) == (
        0,
        "Unfinished uploads: 1 closed, because a backup has no chunks. Their senders must start again.",
    )
    assert uploads(new / "cloudkeep.sqlite3") == {lost: ("EXPIRED", None), kept_here: ("RECEIVING", kept_here)}


def test_unfinished_uploads_stay_open_while_stored_files_are_missing_too(
    data_dir: Path, folder: Path, tmp_path: Path
) -> None:
    """The folder of the store may not be in its place yet."""
    add_blob(data_dir, b"content")
    upload = add_upload(data_dir)
    backup(data_dir, folder)
    assert restore(tmp_path / "new", folder).returncode == 1
    assert uploads(tmp_path / "new" / "cloudkeep.sqlite3") == {upload: ("RECEIVING", upload)}


def test_a_database_with_accounts_is_only_replaced_by_force_and_then_kept_beside(data_dir: Path, folder: Path) -> None:
    backup(data_dir, folder)
    add_account(data_dir, "bob")
    refused = restore(data_dir, folder)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert users(data_dir / "cloudkeep.sqlite3") == ["ada", "bob"]
    result = restore(data_dir, folder, "--force")
    assert result.returncode == 0, result
    (aside,) = data_dir.glob("cloudkeep.sqlite3.replaced-*")
    assert f"The database that was here before is now {aside}." in result.stdout
    assert (users(data_dir / "cloudkeep.sqlite3"), users(aside)) == (["ada"], ["ada", "bob"])


def test_a_damaged_database_is_replaced_too(data_dir: Path, folder: Path) -> None:
    backup(data_dir, folder)
    (data_dir / "cloudkeep.sqlite3").write_bytes(b"not a database" * 1000)
    (data_dir / "cloudkeep.sqlite3-wal").write_bytes(b"nor is this a log")
    assert restore(data_dir, folder).returncode == 2
    assert restore(data_dir, folder, "--force").returncode == 0
    assert users(data_dir / "cloudkeep.sqlite3") == ["ada"]
    (aside,) = data_dir.glob("cloudkeep.sqlite3.replaced-*Z")
    assert aside.read_bytes() == b"not a database" * 1000


def test_other_secret_keys_stay(data_dir: Path, folder: Path) -> None:
    backup(data_dir, folder)
    others = KEYS.replace("k", "o")
    (data_dir / "secret.keys").write_text(others)
    result = restore(data_dir, folder, "--force")
    assert (result.returncode, (data_dir / "secret.keys").read_text()) == (0, others)
    assert "has other keys, which stay" in result.stderr


def test_a_running_server_keeps_its_database(data_dir: Path, folder: Path) -> None:
    backup(data_dir, folder)
    with claimed(data_dir):
        result = restore(data_dir, folder, "--force")
    assert (result.returncode, result.stdout) == (2, "")
    assert f"data folder {data_dir} is in use by another CloudKeep" in result.stderr
    with closing(sqlite3.connect(data_dir / "cloudkeep.sqlite3")) as worker:
        worker.execute("SELECT count(*) FROM account").fetchone()
        result = restore(data_dir, folder, "--force")
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.endswith(f"another process has the database {data_dir}/cloudkeep.sqlite3 open\n")


def test_lost_blobs_are_named_with_their_owner_and_damaged_ones_replaced(data_dir: Path, folder: Path) -> None:
    lost, damaged, intact = (add_blob(data_dir, name.encode() * 99, name) for name in ("lost", "damaged", "intact"))
    backup(data_dir, folder, "--blobs")
    stored(data_dir, lost).unlink()
    kept(folder, lost).unlink()
    before = flip(stored(data_dir, damaged))
    result = restore(data_dir, folder, "--force", "--verify")
    assert result.returncode == 1
    assert result.stdout.splitlines()[-2:] == [
        f"BLOB_LOST {lost}: 'lost' of ada is missing in the store; in the backup it is missing",
        "Blobs: 1 was there, 1 copied, 1 lost.",
    ]
    assert stored(data_dir, damaged).read_bytes() == before
    assert stored(data_dir, intact).exists()


def test_an_interrupted_restore_changes_nothing_and_can_be_repeated(data_dir: Path, folder: Path) -> None:
    keys = [add_blob(data_dir, random.Random(number).randbytes(60 * MIB)) for number in range(3)]
    backup(data_dir, folder, "--blobs")
    for key in keys:
        stored(data_dir, key).unlink()
    add_account(data_dir, "bob")
    scratch = data_dir / "blobs" / "restoring"
    code, output, _ = interrupted(data_dir, "restore", "--force", str(folder), until=scratch.exists)
    assert code == 130
    assert output[-1] == "Interrupted: the database is as it was. Run the same command again."
    assert (users(data_dir / "cloudkeep.sqlite3"), scratch.exists()) == (["ada", "bob"], False)
    result = restore(data_dir, folder, "--force")
    assert result.returncode == 0, result
    assert users(data_dir / "cloudkeep.sqlite3") == ["ada"]
    assert all(stored(data_dir, key).stat().st_size == 60 * MIB for key in keys)
