"""The build of the page that tests show, made once for each state of its sources."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from bench.harness import npm
from bench.harness.programs import run

WEB = Path(__file__).parents[3] / "web"
SCHEMA = WEB.parent / "schema" / "schema.graphql"
#: Everything that the build is made of, besides the packages of the lock.
SOURCES = ("src", "client/src", "public")
BUILD = 'cd "$0" && graphql-codegen --config codegen.ts && vite build --outDir "$1" --emptyOutDir'


def built(cache: Path) -> Path:
    """The folder of the build, below ``cache``. Raises :class:`bench.harness.programs.ProgramFailed`."""
    target = cache / f"page-{_fingerprint()}"
    with npm.alone(cache):
        if not (target / "whole").exists():
            _build(target)
            (target / "whole").touch()
    return target


def _build(target: Path) -> None:
    paths = (str(Path(npm.node()).parent), str(WEB / "node_modules" / ".bin"), os.environ["PATH"])
    run(["sh", "-c", BUILD, str(WEB), str(target / "page")], {"PATH": os.pathsep.join(paths)})


def _fingerprint() -> str:
    content = b"".join(path.name.encode() + path.read_bytes() for path in _sources())
    return hashlib.sha256(content).hexdigest()[:16]


def _sources() -> Iterator[Path]:
    yield SCHEMA
    yield from sorted(path for path in WEB.iterdir() if path.is_file())
    for folder in SOURCES:
        files = (path for path in (WEB / folder).rglob("*") if path.is_file() and "generated" not in path.parts)
        yield from sorted(files)
