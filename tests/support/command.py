"""The command line, as its users call it."""

import os
import subprocess
import sys


def cloudkeep(*arguments: str, **settings: str) -> "subprocess.CompletedProcess[str]":
    """Run a command to its end, with these arguments and settings."""
    environment = {**os.environ, **{f"CLOUDKEEP_{name}": value for name, value in settings.items()}}
    command = [sys.executable, "-m", "cloudkeep", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
