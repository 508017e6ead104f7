"""The command ``cloudkeep restore``: puts back a backup, or items of the trash."""

from pathlib import Path
from typing import Annotated

import typer

from cloudkeep.client.command import ServerUrl


def restore(
    items: Annotated[
        list[str],
        typer.Argument(
            metavar="PATH...",
            help="Items of the trash, by their IDs or former paths; or a backup on this machine, or a folder whose "
            "newest one is meant.",
            show_default=False,
        ),
    ],
    force: Annotated[
        bool, typer.Option("--force", help="A backup: also if the database has accounts; it is moved aside.")
    ] = False,
    verify: Annotated[
        bool, typer.Option("--verify", help="A backup: read all stored files, and replace damaged ones.")
    ] = False,
    url: ServerUrl = None,
) -> None:
    """Restore items from the trash, or a backup of the whole server.

    If PATH is a backup on this machine, the command restores the database and the stored files from it. Otherwise, it
    restores items from the trash of your drive, and prints their paths.

    A backup: it also restores the secret keys if they are missing, and copies only stored files that are missing. No
    server and no worker may be running. The settings are those of the server. It checks the backup first, and says at
    the end which files are missing. After an interruption, the old database is still in place; run the same command
    again.

    Exit codes: 0 everything is there, 1 restored, but something is missing, 2 nothing was restored, 130 interrupted.
    """
    from cloudkeep.cli import commands
    from cloudkeep.client.drive.commands import restore_items
    from cloudkeep.client.errors import printable

    if force or verify or commands.is_backup(items[0]):
        if len(items) > 1:
            raise typer.BadParameter("one backup is restored at a time")
        raise typer.Exit(commands.restore(Path(items[0]), force=force, verify=verify))
    code = restore_items(items, url)
    if code in (1, 2) and len(items) == 1:
        typer.echo(f"cloudkeep: {printable(items[0])} is not a backup on this machine either", err=True)
    raise typer.Exit(code)
