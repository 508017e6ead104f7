"""SHA-256 of local files that were hashed before."""

import os
from pathlib import Path

import pytest

from cloudkeep.client.sync import hash_cache
from cloudkeep.client.sync.hash_cache import HashCache


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The place of the cache."""
    return tmp_path / "cache/hashes.sqlite3"


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that is old enough for the cache."""
    monkeypatch.setattr(hash_cache, "RECENT_SECONDS", -60)
    (file := tmp_path / "file").write_bytes(b"123")
    return file


def test_a_later_run_finds_a_hash(path: Path, file: Path) -> None:
    with HashCache(path) as cache:
        assert cache.get(file.stat()) is None
        cache.put(file.stat(), "aa")
    with HashCache(path) as cache:
        assert cache.get(file.stat()) == "aa"


@pytest.mark.parametrize("changed", ["content", "times", "inode"])
def test_a_changed_file_is_not_found(path: Path, file: Path, changed: str) -> None:
    with HashCache(path) as cache:
        cache.put(file.stat(), "aa")
        before = file.stat()
        if changed == "content":
            file.write_bytes(b"1234")
        elif changed == "times":
            os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
        else:
            (other := file.with_name("other")).write_bytes(b"123")
            other.replace(file)
        assert cache.get(file.stat()) is None


def test_other_bytes_with_the_old_time_of_modification_are_noticed(path: Path, file: Path) -> None:
    with HashCache(path) as cache:
        cache.put(before := file.stat(), "aa")
        file.write_bytes(b"456")
        os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
        assert cache.get(file.stat()) is None


def test_a_file_that_has_just_changed_is_not_kept(path: Path, tmp_path: Path) -> None:
    (file := tmp_path / "file").write_bytes(b"123")
    with HashCache(path) as cache:
        cache.put(file.stat(), "aa")
        assert cache.get(file.stat()) is None


def test_a_damaged_cache_has_no_hashes(path: Path, file: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"no database" * 1000)
    with HashCache(path) as cache:
        cache.put(file.stat(), "aa")
        assert cache.get(file.stat()) is None


def test_a_user_without_a_home_folder_has_no_hashes(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.delenv("HOME")
    monkeypatch.setattr("os.getuid", lambda: 2**31 - 2)
    with HashCache() as cache:
        cache.put(file.stat(), "aa")
        assert cache.get(file.stat()) is None


def test_entries_that_were_not_used_for_long_are_removed(
    path: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with HashCache(path) as cache:
        cache.put(file.stat(), "aa")
    monkeypatch.setattr(hash_cache, "MAX_AGE_DAYS", -1)
    with HashCache(path) as cache:
        assert cache.get(file.stat()) is None
