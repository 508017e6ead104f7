"""``backup.json`` proves its own text, and says which version can read it."""

from dataclasses import replace
from pathlib import Path

import pytest

from services.maintenance.backup.document import (
    BackupDocument,
    Blobs,
    FileFacts,
    facts_of,
    read_document,
    require_known,
    write_document,
)
from services.maintenance.backup.layout import DOCUMENT, BackupError

MIGRATIONS = ["0001_initial", "0002_more"]
DOCUMENT_OF_TEST = BackupDocument(
    cloudkeep="0.2.0",
    database="sqlite",
    migration="0002_more",
    created_at="2026-11-30T03:00:00Z",
    rows={"account": 1},
    blob_count=2,
    blob_bytes=3,
    blobs=Blobs.COMPLETE,
    files={"manifest.jsonl": FileFacts(4, "a" * 64)},
)


def test_a_document_is_read_as_it_was_written_and_can_be_replaced(tmp_path: Path) -> None:
    write_document(tmp_path, DOCUMENT_OF_TEST)
    assert read_document(tmp_path) == DOCUMENT_OF_TEST
    changed = replace(DOCUMENT_OF_TEST, blobs=Blobs.INCOMPLETE)
    write_document(tmp_path, changed)
    assert read_document(tmp_path) == changed
    assert [path.name for path in tmp_path.iterdir()] == [DOCUMENT]


def test_a_change_of_any_byte_is_found(tmp_path: Path) -> None:
    write_document(tmp_path, DOCUMENT_OF_TEST)
    path = tmp_path / DOCUMENT
    content = path.read_bytes()
    for place in range(len(content)):
        path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        with pytest.raises(BackupError):
            read_document(tmp_path)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"{}", b'{"format": 1, "sha256": ""}', b"\xff"])
def test_something_else_is_no_document(content: bytes, tmp_path: Path) -> None:
    (tmp_path / DOCUMENT).write_bytes(content)
    with pytest.raises(BackupError):
        read_document(tmp_path)


@pytest.mark.parametrize("version", ["0.2.0", "0.2.1", "0.10.0", "1.0"])
def test_the_same_or_a_newer_version_restores_a_backup(version: str) -> None:
    require_known(DOCUMENT_OF_TEST, version, MIGRATIONS)


@pytest.mark.parametrize(("version", "migrations"), [("0.1.9", MIGRATIONS), ("0.2.0", MIGRATIONS[:1])])
def test_an_older_version_does_not(version: str, migrations: list[str]) -> None:
    with pytest.raises(BackupError, match="which is newer than this one"):
        require_known(DOCUMENT_OF_TEST, version, migrations)


def test_the_facts_of_a_file_are_its_size_and_digest(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    assert facts_of(tmp_path / "empty") == FileFacts(
        0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    )
