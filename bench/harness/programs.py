"""Runs programs to their end."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

#: Seconds that one program may take.
PATIENCE = 300.0


class ProgramFailed(Exception):
    """A program is missing or has failed; the text says why."""


def run(arguments: list[str], environment: Mapping[str, str] | None = None) -> str:
    """Run a program and return its output. ``environment`` is added to ours. Raises :class:`ProgramFailed`."""
    added = {**os.environ, **(environment or {})}
    try:
        ended = subprocess.run(arguments, check=True, capture_output=True, text=True, timeout=PATIENCE, env=added)
    except subprocess.CalledProcessError as error:
        lines = (error.stderr or error.stdout).strip().splitlines() or ["no output"]
        raise ProgramFailed(f"{Path(arguments[0]).name} failed: {lines[-1]}") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ProgramFailed(str(error)) from error
    return ended.stdout
