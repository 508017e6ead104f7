"""What the commands of the client share. They import what they need when they run, so that others start quickly."""

import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

ServerUrl = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        envvar="CLOUDKEEP_URL",
        help="The server. Without it, the one of the last `cloudkeep login`, or the one that runs in the data folder "
        "(CLOUDKEEP_DATA_DIR, ./data by default).",
        show_default=False,
    ),
]
INTERRUPTED_CODE = 128 + signal.SIGINT
INTERRUPTED = "Interrupted. Run the same command again to go on."


def run_command(command: Callable[[], int], interrupted: str) -> int:
    """Run a client command and return its exit code. An error or Ctrl-C prints one line on standard error."""
    from cloudkeep.client.errors import ClientError

    try:
        return command()
    except ClientError as error:
        sys.stderr.write(f"cloudkeep: {error}\n")
        return error.exit_code
    except KeyboardInterrupt:
        sys.stderr.write(f"\n{interrupted}\n" if sys.stderr.isatty() else f"{interrupted}\n")
        return INTERRUPTED_CODE


def program_name() -> str:
    """How the user starts this program in a shell: its name if PATH has it, else its path, relative where it can be."""
    script = Path(sys.prefix, "bin", "cloudkeep")
    if not script.exists() or shutil.which(script.name) == str(script):
        return script.name
    return str(script.relative_to(Path.cwd())) if script.is_relative_to(Path.cwd()) else str(script)
