"""Which browser the tests take."""

import platform
from pathlib import Path

import pytest

from tests.browser.browser import NAMES, NoBrowser, find_browser

HERE = Path(__file__).parent


def test_a_machine_without_a_browser_is_told_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NoBrowser, match="has none for riscv64, and PATH has no chromium or"):
        find_browser(HERE / "chromium", tmp_path)


def test_another_machine_takes_the_browser_of_its_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    monkeypatch.setenv("PATH", str(tmp_path))
    program = tmp_path / NAMES[1]
    program.touch(mode=0o755)
    assert find_browser(HERE / "chromium", tmp_path).program == str(program)
