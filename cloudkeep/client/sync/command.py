"""The command ``cloudkeep sync``. It imports what it needs when it runs, so that other commands start quickly."""

import os
from pathlib import Path
from typing import Annotated

import typer

from cloudkeep.client.command import INTERRUPTED, ServerUrl, run_command


def sync(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="The local folder.", show_default=False)],
    place: Annotated[
        str,
        typer.Argument(
            metavar="PATH", help="The folder of the drive, which is created if it is missing.", show_default=False
        ),
    ],
    delete: Annotated[
        bool, typer.Option("--delete", help="Move to the trash what is in PATH, but not in FOLDER any more.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only print what would be done.")] = False,
    url: ServerUrl = None,
) -> None:
    """Make a folder of the drive like a local folder. Nothing is changed locally.

    It sends new and changed files, as their SHA-256 shows; a changed file becomes a new version. Symbolic links and
    special files are skipped. After an interruption, run the same command again.

    Exit codes: 0 done, 1 something was not synchronised, 2 wrong usage, no server or no sign-in, 130 interrupted.
    """

    def work() -> int:
        from cloudkeep.client.drive.run import run_transfer
        from cloudkeep.client.errors import UsageError, printable
        from cloudkeep.client.sync.run import SyncOptions, sync

        if not os.path.isdir(folder):
            raise UsageError(f"{printable(str(folder))}: is not a folder here")
        options = SyncOptions(folder, place, delete, dry_run)
        return run_transfer(url, lambda drive, http: sync(drive, http, options))

    raise typer.Exit(run_command(work, INTERRUPTED))
