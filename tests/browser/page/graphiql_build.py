"""The build of GraphiQL that tests show, made once for each state of its sources."""

import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path

from tests.browser.page.build import SCHEMA, WEB

from bench.harness import npm
from bench.harness.programs import run

GRAPHIQL = WEB / "graphiql"
#: What the build uses besides the files of its own folder: the icon of the page.
ICON = WEB / "public" / "icon.svg"
SOURCES = ("src", "build")


def built_graphiql(cache: Path) -> Path:
    """The folder whose ``graphiql`` is the build, below ``cache``.

    Raises :class:`bench.harness.programs.ProgramFailed`.
    """
    packages = npm.install(GRAPHIQL, cache)
    target = cache / f"graphiql-build-{_fingerprint()}"
    with npm.alone(cache):
        if not (target / "whole").exists():
            _build(target, packages)
            (target / "whole").touch()
    return target


def _build(target: Path, packages: Path) -> None:
    shutil.rmtree(target, ignore_errors=True)
    for source in _sources():
        copy = target / source.relative_to(WEB.parent)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, copy)
    folder = target / GRAPHIQL.relative_to(WEB.parent)
    (folder / "node_modules").symlink_to(packages / "node_modules")
    vite = packages / "node_modules" / "vite" / "bin" / "vite.js"
    run([npm.node(), str(vite), "build", str(folder), "--outDir", str(target / "graphiql"), "--logLevel", "error"])


def _fingerprint() -> str:
    content = b"".join(path.name.encode() + path.read_bytes() for path in _sources())
    return hashlib.sha256(content).hexdigest()[:16]


def _sources() -> Iterator[Path]:
    yield SCHEMA
    yield ICON
    yield from sorted(path for path in GRAPHIQL.iterdir() if path.is_file())
    for folder in SOURCES:
        yield from sorted(path for path in (GRAPHIQL / folder).rglob("*") if path.is_file())
