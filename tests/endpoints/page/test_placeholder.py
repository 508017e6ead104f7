"""Without a build, browsers get a page that says so; the rest of the server is as it is with one."""

import base64
import hashlib
import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from cloudkeep.settings.settings import Settings
from tests.endpoints.page.conftest import client, write

NAVIGATION = {"Accept": "text/html"}


@pytest.fixture
async def bare(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an app whose page has not been built."""
    async with client(Settings(data_dir=tmp_path / "data"), tmp_path / "dist") as http:
        yield http


@pytest.mark.parametrize("path", ["/", "/search", "/f/x"])
async def test_a_small_page_says_what_is_missing(bare: httpx.AsyncClient, path: str) -> None:
    response = await bare.get(path)
    assert (response.status_code, response.headers["Cache-Control"]) == (503, "no-store")
    assert "CloudKeep is running" in response.text
    assert len(response.content) < 4_000


async def test_its_policy_allows_its_own_script_and_style(bare: httpx.AsyncClient) -> None:
    response = await bare.get("/")
    for kind in ("script", "style"):
        (text,) = re.findall(f"<{kind}>(.*)</{kind}>", response.text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in response.headers["Content-Security-Policy"]


async def test_the_page_takes_its_place(bare: httpx.AsyncClient, tmp_path: Path) -> None:
    assert (await bare.get("/")).status_code == 503
    write(tmp_path / "dist")
    assert (await bare.get("/")).status_code == 200


async def test_unknown_paths_are_error_pages(bare: httpx.AsyncClient) -> None:
    response = await bare.get("/nothing", headers=NAVIGATION)
    assert response.status_code == 404
    assert "<h1>Not Found</h1>" in response.text


async def test_assets_are_missing(bare: httpx.AsyncClient) -> None:
    assert (await bare.get("/assets/index-abc.js")).status_code == 404
