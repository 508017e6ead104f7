"""The files of a build: nothing outside of it, bounded memory, and a new build without a restart."""

import asyncio
import os
from pathlib import Path

import httpx
import pytest

from endpoints.page.files import PageFiles
from tests.endpoints.page.conftest import write

OUTSIDE = [
    *("../secret.json", "../../secret.json", "..", "", "x/../../secret.json", "..\\secret.json", "a\0.js", "\xff.js"),
    *("/etc/hosts.json", "//etc/hosts.json", "link.json", "folder/secret.json", ".build.json", "./a.js", "a.js/"),
]


@pytest.fixture
def assets(dist: Path) -> Path:
    """A folder of the build with links that lead out of it."""
    folder = dist / "page" / "assets"
    (folder / "link.json").symlink_to(dist.parent / "outside.json")
    (folder / "folder").symlink_to(dist.parent)
    (folder / "a.js").write_text("a")
    for name in ("outside.json", "secret.json"):
        (dist.parent / name).write_text("secret")
    return folder


@pytest.mark.parametrize("name", OUTSIDE)
async def test_nothing_outside_of_the_folder_is_read(dist: Path, assets: Path, name: str) -> None:
    assert assets.is_dir()
    assert await PageFiles(dist).read(f"page/assets/{name}") is None


@pytest.mark.parametrize("path", ["%2e%2e/%2e%2e/secret.json", "..%2f..%2fsecret.json", "link.json", "a%00.js"])
async def test_nothing_outside_of_the_folder_is_sent(page: httpx.AsyncClient, assets: Path, path: str) -> None:
    assert assets.is_dir()
    assert (await page.get("/assets/a.js")).status_code == 200
    response = await page.get(f"/assets/{path}")
    assert response.status_code == 404
    assert "secret" not in response.text


@pytest.mark.parametrize(
    "name", ["page/notes.txt", "page/.build.json", "page/index.html.br", "page/assets", "page", ""]
)
async def test_only_files_of_known_types_are_read(dist: Path, name: str) -> None:
    assert await PageFiles(dist).read(name) is None


async def test_a_build_in_the_place_of_another_is_seen_at_once(dist: Path, page: httpx.AsyncClient) -> None:
    first = await page.get("/")
    (dist / "page" / "index.html").write_bytes(b"a new page")
    second = await page.get("/", headers={"If-None-Match": first.headers["ETag"]})
    assert (second.status_code, second.content) == (200, b"a new page")


async def test_no_request_fails_while_builds_take_each_others_place(
    dist: Path, page: httpx.AsyncClient, tmp_path: Path
) -> None:
    builds = [tmp_path / "one", tmp_path / "two"]
    for build in builds:
        write(build)
        (build / "page" / "index.html").write_text(build.name * 50_000)
    link, named = tmp_path / "link", tmp_path / "named"
    dist.rename(tmp_path / "before")

    def swap(number: int) -> None:
        link.symlink_to(builds[number % 2])
        os.replace(link, named)

    swap(0)
    dist.symlink_to(named)

    async def ask() -> str:
        response = await page.get("/")
        assert response.status_code == 200
        return response.text

    for number in range(1, 40):
        texts, _ = await asyncio.gather(asyncio.gather(*(ask() for _ in range(8))), asyncio.to_thread(swap, number))
        assert {text[:3] for text in texts} <= {"one", "two"}
        assert {len(text) for text in texts} == {150_000}


async def test_memory_is_bounded(dist: Path) -> None:
    files = PageFiles(dist, memory=100)
    for number in range(5):
        (dist / "page" / f"{number}.js").write_bytes(b"x" * 40)
        assert await files.read(f"page/{number}.js")
    assert [path.name for path in files._known] == ["3.js", "4.js"]
    (dist / "page" / "huge.js").write_bytes(b"x" * 101)
    assert await files.read("page/huge.js")
    assert not files._known


async def test_a_file_is_read_once(dist: Path) -> None:
    files = PageFiles(dist)
    assert await files.read("page/index.html") is await files.read("page/index.html")
