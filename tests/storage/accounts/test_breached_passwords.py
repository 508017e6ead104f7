"""Files of breached passwords: searched where they are, and checked at the start."""

import hashlib
import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from cloudkeep.settings.settings import SettingsError, load_settings
from storage.accounts.breached_passwords import (
    CHECKED_LINES,
    BreachedPasswords,
    BreachedPasswordsError,
    require_valid,
)
from tests.support.seeds import SEED_OF_THIS_RUN

Pread = Callable[[int, int, int], bytes]


def digest(password: str) -> str:
    return hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper()


def lines_of(passwords: list[str], end: str = "\n") -> str:
    rng = random.Random(1)
    return "".join(
        f"{line}:{rng.randrange(1, 10 ** rng.randrange(1, 9))}{end}" for line in sorted(map(digest, passwords))
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "breached.txt"


@pytest.mark.parametrize("number", [1, 2, 80, 100, 5_000])
@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["LF", "CRLF"])
def test_every_password_of_the_file_is_found_and_no_other(path: Path, number: int, end: str) -> None:
    passwords = [f"password {index}" for index in range(number)]
    path.write_text(lines_of(passwords, end), newline="")
    require_valid(path)
    breached = BreachedPasswords(path)
    sample = random.Random(SEED_OF_THIS_RUN).sample(passwords, min(number, 500))
    first, *_, last = [*sorted(passwords, key=digest), ""][:-1] * 2
    assert all(breached.contains(password) for password in {*sample, first, last})
    assert not any(breached.contains(f"another {index}") for index in range(500))


def test_lower_case_lines_without_counts_and_without_a_last_line_end_are_searched(path: Path) -> None:
    passwords = [f"password {index}" for index in range(300)]
    path.write_text("\n".join(sorted(map(digest, passwords))).lower())
    require_valid(path)
    assert all(BreachedPasswords(path).contains(password) for password in passwords)


def test_a_search_reads_a_few_blocks_of_a_large_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path.write_text("".join(f"{number:05X}{'0' * 35}:1\n" for number in range(2**17)))
    sizes: list[int] = []

    def pread(descriptor: int, size: int, offset: int, read: Pread = os.pread) -> bytes:
        sizes.append(size)
        return read(descriptor, size, offset)

    monkeypatch.setattr(os, "pread", pread)
    assert not BreachedPasswords(path).contains("not in it")
    assert len(sizes) < 15
    assert sum(sizes) < 8_192


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "names an empty file"),
        ("hello\n", "line 1 is not a SHA-1 in hexadecimal with a count, like 0{40}:1"),
        (f"{'0' * 32}:1\n", "line 1 is not a SHA-1"),
        (f"{'0' * 40}:1\n\n{'1' * 40}:1\n", "line 2 is not a SHA-1"),
        (f"{'0' * 40}:1\n{'2' * 40}:1\n{'1' * 40}:1\n", "line 3 is not in order"),
        (f"{'0' * 40}:1\n{'0' * 40}:2\n", "line 2 is not in order"),
        (f"{'0' * 40}:{'1' * 30}\n", "line 1 is not a SHA-1"),
        ("x" * 1_000_000, "line 1 is not a SHA-1"),
    ],
)
def test_a_wrong_file_is_refused_with_its_line(path: Path, text: str, reason: str) -> None:
    path.write_text(text)
    with pytest.raises(BreachedPasswordsError, match=reason):
        require_valid(path)


def test_disorder_after_the_first_lines_is_found(path: Path) -> None:
    lines = [f"{number:040X}:1\n" for number in range(2 * CHECKED_LINES)]
    path.write_text("".join(lines[:CHECKED_LINES] + lines[: CHECKED_LINES - 1 : -1]))
    with pytest.raises(BreachedPasswordsError, match=r"the line at byte \d+ is not in order"):
        require_valid(path)


def test_a_wrong_file_stops_the_start(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path.write_text("password1\n")
    monkeypatch.setenv("CLOUDKEEP_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("CLOUDKEEP_BREACHED_PASSWORDS", str(path))
    with pytest.raises(SettingsError, match="CLOUDKEEP_BREACHED_PASSWORDS: line 1 is not a SHA-1"):
        load_settings()
    monkeypatch.setenv("CLOUDKEEP_BREACHED_PASSWORDS", str(path.with_name("missing")))
    with pytest.raises(SettingsError, match="CLOUDKEEP_BREACHED_PASSWORDS: names a file that cannot be read"):
        load_settings()
