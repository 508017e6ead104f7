"""The app with a small build, without a database: the page needs none."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from cloudkeep.http.app import create_app
from cloudkeep.settings.settings import Settings

BUILD = {
    "page/index.html": b"<!doctype html><title>CloudKeep</title>",
    "page/index.html.br": b"small page",
    "page/index.html.gz": b"smaller page",
    "page/icon.svg": b"<svg/>",
    "page/assets/index-abc.js": b"start()",
    "page/assets/index-abc.css": b"body {}",
    "page/assets/font.woff2": b"wOF2",
    "page/notes.txt": b"not for browsers",
    "page/.build.json": b"{}",
    "graphiql/index.html": b"<!doctype html><title>GraphiQL</title>",
    "graphiql/assets/editor-abc.js": b"edit()",
    "secret.json": b"{}",
}


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    """The folder of the build."""
    folder = tmp_path / "dist"
    write(folder)
    return folder


@pytest.fixture
async def page(dist: Path, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an app with this build."""
    async with client(Settings(data_dir=tmp_path / "data"), dist) as http:
        yield http


def write(folder: Path) -> None:
    """Write the build."""
    for name, content in BUILD.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def client(settings: Settings, folder: Path) -> httpx.AsyncClient:
    """A client that accepts no compressed responses unless a test says so."""
    transport = httpx.ASGITransport(create_app(settings, folder=folder))
    return httpx.AsyncClient(
        transport=transport, base_url="http://localhost:8000", headers={"Accept-Encoding": "identity"}
    )
