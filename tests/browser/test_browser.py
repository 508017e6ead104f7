"""The choice of the browser, and whether it works."""

import platform
from pathlib import Path

import pytest

from tests.browser.browser import NAMES, Browser, NoBrowser, find_browser
from tests.browser.site import serving_page
from tests.support.server import listening_socket
from tests.support.waiting import eventually

HERE = Path(__file__).parent
TYPING = b"""
const field = document.body.appendChild(document.createElement('input'))
field.focus()
document.execCommand('insertText', false, 'Hello')
await new Promise(requestAnimationFrame)
await fetch('/events', { method: 'POST', body: JSON.stringify({ kind: 'end', typed: field.value }) })
"""


def test_a_machine_without_a_browser_is_reported(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
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


async def test_a_field_accepts_typed_text(browser: Browser, tmp_path: Path) -> None:
    """The first thing on a page for which a browser needs a font; without any, it crashes."""
    with listening_socket() as listener:
        async with serving_page(TYPING, listener) as site:
            with browser.showing(site.url, tmp_path / "profile"):
                end = await eventually(site.ended)
    assert end["typed"] == "Hello"
