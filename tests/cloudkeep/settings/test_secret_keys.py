from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from cloudkeep.settings.secret_keys import parse_keys, read_or_create_keys

SECRET = "a-secret-that-nobody-should-see-in-a-message"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "new" / "secret.keys"


def test_a_missing_file_is_created_for_its_owner_only(path: Path) -> None:
    (key,) = read_or_create_keys(path)
    assert len(key.secret) >= 32
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_the_second_start_finds_the_same_keys(path: Path) -> None:
    assert read_or_create_keys(path) == read_or_create_keys(path)


def test_processes_that_start_at_once_get_the_same_keys(path: Path) -> None:
    with ThreadPoolExecutor(16) as pool:
        keys = set(pool.map(read_or_create_keys, [path] * 64))
    assert len(keys) == 1
    assert [child.name for child in path.parent.iterdir()] == ["secret.keys"]


def test_a_file_that_others_can_read_is_refused(path: Path) -> None:
    read_or_create_keys(path)
    path.chmod(0o640)
    with pytest.raises(ValueError, match="chmod 600"):
        read_or_create_keys(path)


def test_a_damaged_file_is_refused_and_left_as_it_is(path: Path) -> None:
    read_or_create_keys(path)
    path.write_text("damaged")
    with pytest.raises(ValueError, match=r"secret\.keys entry 1"):
        read_or_create_keys(path)
    assert path.read_text() == "damaged"


def test_keys_keep_their_order_so_that_the_first_one_signs() -> None:
    keys = parse_keys(f"new:{SECRET},old:{SECRET}-too\n older:{SECRET}-again ,")
    assert [key.kid for key in keys] == ["new", "old", "older"]
    assert keys[0].secret == SECRET.encode()


def test_a_secret_may_hold_colons() -> None:
    assert parse_keys(f"k:{SECRET}:{SECRET}")[0].secret == f"{SECRET}:{SECRET}".encode()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "at least one"),
        (" , ", "at least one"),
        (SECRET, "entry 1 must be kid:secret"),
        (f"k:{SECRET},:{SECRET}", "entry 2 must be kid:secret"),
        (f"a b:{SECRET}", "entry 1 must be kid:secret"),
        (f"{'k' * 33}:{SECRET}", "entry 1 must be kid:secret"),
        (f"k:{SECRET[:31]}", "at least 32 characters"),
        (f"k:{SECRET},k:{SECRET}2", "twice"),
    ],
)
def test_a_wrong_list_is_refused_without_showing_a_secret(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as caught:
        parse_keys(text)
    assert "nobody-should-see" not in str(caught.value)
