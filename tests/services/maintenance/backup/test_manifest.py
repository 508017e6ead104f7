"""The manifest of the blobs."""

import json
from pathlib import Path
from uuid import uuid4

import pytest

from services.maintenance.backup.layout import BackupError
from services.maintenance.backup.manifest import read_manifest, write_manifest
from storage.database.backup import BlobEntry

SHA256 = "0" * 64
KEYS = [str(uuid4()), f"d-{uuid4()}", f"{uuid4()}.0123abcd"]
WRONG: list[dict[str, object]] = [
    {"key": "../../../etc/passwd"},
    {"key": ".hidden"},
    {"key": "a/bcd"},
    {"key": "abc"},
    {"size": -1},
    {"size": "x"},
    {"sha256": "0"},
    {"more": 1},
]


def test_every_key_of_a_store_comes_back(tmp_path: Path) -> None:
    entries = [BlobEntry(key, size, SHA256) for size, key in enumerate(KEYS)]
    assert write_manifest(tmp_path / "manifest", entries) == (3, 0 + 1 + 2)
    assert list(read_manifest(tmp_path / "manifest")) == entries
    assert (tmp_path / "manifest").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("change", WRONG)
def test_a_line_that_cannot_be_right_is_refused(change: dict[str, object], tmp_path: Path) -> None:
    """A key must not lead out of the folder."""
    good = {"key": KEYS[0], "size": 1, "sha256": SHA256}
    (tmp_path / "manifest").write_text(f"{json.dumps(good)}\n{json.dumps({**good, **change})}\n")
    entries = read_manifest(tmp_path / "manifest")
    assert next(entries).key == KEYS[0]
    with pytest.raises(BackupError, match="line 2 of "):
        next(entries)
