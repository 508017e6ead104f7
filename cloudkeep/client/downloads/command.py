"""The command ``cloudkeep download``. It imports what it needs when it runs, so that other commands start quickly."""

from typing import Annotated

import typer

from cloudkeep.client.command import INTERRUPTED, ServerUrl, run_command


def download(
    place: Annotated[str, typer.Argument(metavar="PATH", help="A path or an ID.", show_default=False)],
    target: Annotated[
        str | None,
        typer.Argument(metavar="[TARGET]", help="A local folder, or a new path; . by default.", show_default=False),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace local files that have other content.")
    ] = False,
    url: ServerUrl = None,
) -> None:
    """Download a file, or a folder with everything in it. Prints the local paths of the files.

    The SHA-256 of each file is verified before the file gets its name. After an interruption, run the same command
    again: it goes on where it stopped, and skips the files that are there.

    Exit codes: 0 everything is there, 1 a file was not downloaded, 2 wrong usage, no server or no sign-in, 130
    interrupted.
    """

    def work() -> int:
        from cloudkeep.client.downloads.run import download
        from cloudkeep.client.drive.run import run_transfer

        return run_transfer(url, lambda drive, http: download(drive, http, place, target, overwrite=overwrite))

    raise typer.Exit(run_command(work, INTERRUPTED))
