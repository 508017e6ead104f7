"""One build: packages, both projects, compressed files, and then its place in ``web/dist``."""

import fcntl
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from page_build.node import Node, get_node
from page_build.packages import install, npm
from page_build.places import BUILDS, DIST, LOG, MARKER, PROJECTS, ROOT, WORK
from page_build.process import BuildFailed, run
from page_build.sources import COMPRESS, fingerprint

#: Builds that are kept: a server may still read a file of the one before.
_KEPT = 2
_POLL_SECONDS = 0.2


def is_current() -> bool:
    """Whether ``web/dist`` was built from what the sources are now."""
    return _marker(DIST).get("sources") == fingerprint()


def build(on_start: Callable[[], None] = lambda: None, node: Callable[[], Node] = get_node) -> bool:
    """Build the page, unless it is current; whether it has been built. Raises :class:`BuildFailed`.

    While another process builds it, this one waits.
    """
    if is_current():
        return False
    with alone():
        if is_current():
            return False
        on_start()
        LOG.unlink(missing_ok=True)
        sources = fingerprint()
        folder = BUILDS / f"{sources}.new"
        shutil.rmtree(folder, ignore_errors=True)
        try:
            _make(node(), folder)
            _write_marker(folder, sources)
            _take_place(folder, BUILDS / f"{sources}-{time.time_ns()}")
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    return True


@contextmanager
def alone() -> Iterator[None]:
    """Keep other processes from the packages and builds until the block ends."""
    try:
        WORK.mkdir(parents=True, exist_ok=True)
        lock = (WORK / "lock").open("w")
    except OSError as error:
        raise BuildFailed(f"{WORK} cannot be written: {error.strerror}") from None
    with lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                time.sleep(_POLL_SECONDS)
        yield


def _make(node: Node, folder: Path) -> None:
    for name, project in PROJECTS.items():
        if not (project / "package.json").is_file():
            continue
        install(node, project)
        # The last command of the script is `vite build`, which takes these.
        npm(node, project, "run", "build", "--", "--outDir", str(folder / name), "--emptyOutDir")
        if not (folder / name / "index.html").is_file():
            raise BuildFailed(f"npm run build has written no page in {project.relative_to(ROOT)}")
    run([str(node.program), str(COMPRESS), str(folder)], ROOT, {}, LOG)


def _write_marker(folder: Path, sources: str) -> None:
    """Write the files' names, and then add the assets of the build before: pages that are open still load them."""
    names = [str(path.relative_to(folder)) for path in sorted(folder.rglob("*")) if path.is_file()]
    for name in _marker(DIST).get("files", ()):
        source, target = DIST / name, folder / name
        if "assets" in Path(name).parts and source.is_file() and not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)
    (folder / MARKER).write_text(json.dumps({"sources": sources, "files": names}), encoding="utf-8")


def _take_place(folder: Path, target: Path) -> None:
    folder.rename(target)
    link = WORK / "dist.new"
    link.unlink(missing_ok=True)
    link.symlink_to(target.relative_to(DIST.parent))
    if DIST.is_dir() and not DIST.is_symlink():
        # A build by hand, which no rename can replace.
        DIST.rename(BUILDS / f"by-hand-{time.time_ns()}")
    os.replace(link, DIST)
    _remove_old_builds()


def _remove_old_builds() -> None:
    builds = sorted(BUILDS.iterdir(), key=lambda path: path.stat().st_ctime_ns)
    for old in builds[:-_KEPT]:
        shutil.rmtree(old, ignore_errors=True)


def _marker(folder: Path) -> dict[str, Any]:
    try:
        marker: dict[str, Any] = json.loads((folder / MARKER).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return marker
