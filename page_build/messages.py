"""What the terminal shows of a build."""

import os
import sys
from contextlib import suppress

from page_build.places import LOG, ROOT
from page_build.process import BuildFailed

STARTED = "Building the page; this takes about a minute the first time."


def say(line: str) -> None:
    """Print a line at once. A reader that has gone away stops nothing."""
    with suppress(OSError):
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()


def build_failed(error: BuildFailed) -> str:
    """The line for a build that has failed."""
    return f"The page cannot be built: {error}. The API runs without it.{_details()}"


def script_failed(error: BuildFailed) -> str:
    """The line for a script that could not be run."""
    return f"The page cannot be checked: {error}.{_details()}"


def _details() -> str:
    return f" Details: {os.path.relpath(LOG, ROOT)}" if LOG.is_file() else ""
