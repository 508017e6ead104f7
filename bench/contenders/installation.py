"""The other servers, installed once into ``bench/.cache``, each version of the locks into a folder of its own."""

import hashlib
import shutil
import sys
from dataclasses import dataclass
from functools import cache
from importlib.metadata import distributions
from pathlib import Path

from bench.contenders.base import NotAvailable
from bench.harness import npm
from bench.harness.command import BENCH, CACHE, ROOT
from bench.harness.programs import ProgramFailed, run
from bench.harness.server import Launch

SERVERS = BENCH / "servers"
LOCK = ROOT / "requirements" / "bench.txt"


@dataclass(frozen=True)
class Installed:
    """``program`` runs what is installed in ``folder``; ``versions`` by name of package."""

    program: str
    folder: Path
    versions: dict[str, str]


@cache
def python_with_servers() -> Installed:
    """A Python with the packages of ``requirements/bench.txt``. Raises :class:`NotAvailable`."""
    folder = CACHE / f"python-{_fingerprint(LOCK, extra=sys.version)}"
    program = str(folder / "bin" / "python")
    if not _is_whole(folder):
        _run([sys.executable, "-m", "venv", "--clear", "--without-pip", str(folder)])
        install = ["install", "--quiet", "--disable-pip-version-check", "--no-input", "--require-hashes"]
        _run([sys.executable, "-m", "pip", "--python", program, *install, "-r", str(LOCK)])
        _mark_whole(folder)
    packages = distributions(path=[str(path) for path in folder.glob("lib/python*/site-packages")])
    return Installed(program, folder, {package.name.lower(): package.version for package in packages})


@cache
def node_with_tus() -> Installed:
    """Node with the packages of ``bench/servers/tus_node``. Raises :class:`NotAvailable`."""
    project = SERVERS / "tus_node"
    try:
        folder = npm.install(project, CACHE, "--omit=optional")
        return Installed(npm.node(), folder, npm.versions(project))
    except ProgramFailed as error:
        raise NotAvailable(str(error)) from error


@cache
def c_program(name: str, *arguments: str) -> Path:
    """``bench/servers/NAME.c``, compiled; ``arguments`` follow the file. Raises :class:`NotAvailable`."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if not compiler:
        raise NotAvailable("there is no C compiler (cc) on PATH")
    source = SERVERS / f"{name}.c"
    folder = CACHE / f"{name}-{_fingerprint(source, extra=' '.join(arguments))}"
    if not _is_whole(folder):
        folder.mkdir(parents=True, exist_ok=True)
        _run([compiler, "-O2", str(source), "-o", str(folder / name), *arguments])
        _mark_whole(folder)
    return folder / name


def check_run(program: Path) -> None:
    """Run a program that ends at once. Raises :class:`NotAvailable` when it fails."""
    _run([str(program)])


def uvicorn(app: str, folder: Path, port: int) -> Launch:
    """How to serve an app of ``bench/servers`` with one process of uvicorn."""
    where = ["--app-dir", str(SERVERS), "--host", "127.0.0.1", "--port", str(port)]
    how = ["--http", "httptools", "--loop", "uvloop", "--log-level", "warning"]
    program = python_with_servers().program
    return Launch([program, "-m", "uvicorn", *where, *how, app], {"BENCH_FOLDER": str(folder)})


def _run(arguments: list[str]) -> str:
    try:
        return run(arguments)
    except ProgramFailed as error:
        raise NotAvailable(str(error)) from error


def _fingerprint(*paths: Path, extra: str = "") -> str:
    content = b"".join(path.read_bytes() for path in paths) + extra.encode()
    return hashlib.sha256(content).hexdigest()[:16]


def _is_whole(folder: Path) -> bool:
    return (folder / "whole").exists()


def _mark_whole(folder: Path) -> None:
    (folder / "whole").touch()
