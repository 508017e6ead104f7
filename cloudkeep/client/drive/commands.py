"""The commands of the drive. They import what they need when they run, so that other commands start quickly."""

import sys
from typing import Annotated

import typer

from cloudkeep.client.command import ServerUrl, run_command

INTERRUPTED = "Interrupted. Look at the result with `cloudkeep ls` before you run the command again."
NOTHING_CHANGED = "Interrupted."
Long = Annotated[bool, typer.Option("-l", "--long", help="With the size, the time (UTC) and the ID of each item.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print a JSON array with an object for each item.")]
Conflict = Annotated[
    str,
    typer.Option(
        metavar="POLICY",
        help="What to do if the name is taken: FAIL, KEEP_BOTH (a number is added to the name) or REPLACE (a new "
        "version of the file).",
    ),
]
Sources = Annotated[list[str], typer.Argument(metavar="SOURCE...", help="Paths or IDs.", show_default=False)]
Target = Annotated[str, typer.Argument(metavar="TARGET", help="A folder, or a new path.", show_default=False)]


def ls(
    place: Annotated[str, typer.Argument(metavar="PATH", help="A path or an ID.")] = "/",
    long: Long = False,
    recursive: Annotated[
        bool, typer.Option("-R", "--recursive", help="Everything below the folder, by its path.")
    ] = False,
    trash: Annotated[bool, typer.Option("--trash", help="List the trash instead, by the former paths.")] = False,
    as_json: AsJson = False,
    url: ServerUrl = None,
) -> None:
    """List a folder: one name a line, folders first.

    In a terminal, -l prints sizes as 1.5 MB; elsewhere, in bytes. Control characters in names are printed as escapes.

    Exit codes: 0 done, 1 there is no such item, 2 wrong usage, no server or no sign-in, 130 interrupted.
    """

    def work() -> int:
        from cloudkeep.client.drive.listing import Format, list_items, list_trash
        from cloudkeep.client.drive.run import run_drive

        format_ = Format(is_long=long, is_json=as_json, is_path=recursive or trash)
        if trash:
            return run_drive(url, lambda drive: list_trash(drive, format_))
        return run_drive(url, lambda drive: list_items(drive, place, format_, is_recursive=recursive))

    raise typer.Exit(run_command(work, NOTHING_CHANGED))


def search(
    words: Annotated[list[str], typer.Argument(metavar="WORDS...", help="Words or parts of them.", show_default=False)],
    long: Long = False,
    limit: Annotated[int, typer.Option(metavar="N", min=1, help="Print at most so many items.")] = 100,
    as_json: AsJson = False,
    url: ServerUrl = None,
) -> None:
    """Find folders and files whose names have all of the words. Prints their paths, newest first.

    Exit codes: 0 done, also if nothing was found, 1 the search failed, 2 wrong usage, no server or no sign-in, 130
    interrupted.
    """

    def work() -> int:
        from cloudkeep.client.drive.listing import Format, search
        from cloudkeep.client.drive.run import run_drive

        format_ = Format(is_long=long, is_json=as_json, is_path=True)
        return run_drive(url, lambda drive: search(drive, " ".join(words), format_, limit))

    raise typer.Exit(run_command(work, NOTHING_CHANGED))


def mkdir(
    places: Annotated[list[str], typer.Argument(metavar="PATH...", help="The new folders.", show_default=False)],
    parents: Annotated[
        bool, typer.Option("-p", "--parents", help="Create the folders above as well; accept folders that exist.")
    ] = False,
    url: ServerUrl = None,
) -> None:
    """Create folders.

    Exit codes: 0 done, 1 a folder was not created, 2 wrong usage, no server or no sign-in, 130 interrupted.
    """

    def work() -> int:
        from cloudkeep.client.drive.changes import make_folders
        from cloudkeep.client.drive.run import run_drive

        return run_drive(url, lambda drive: make_folders(drive, places, with_parents=parents))

    raise typer.Exit(run_command(work, INTERRUPTED))


def mv(sources: Sources, target: Target, conflict: Conflict = "FAIL", url: ServerUrl = None) -> None:
    """Move items into a folder, or rename one.

    Several sources are all moved, or none of them (with more than 100, by the hundred).

    Exit codes: 0 done, 1 not moved, 2 wrong usage, no server or no sign-in, 130 interrupted.
    """

    def work() -> int:
        from cloudkeep.client.drive.moving import move
        from cloudkeep.client.drive.run import run_drive

        policy = conflict_policy(conflict)
        return run_drive(url, lambda drive: move(drive, sources, target, policy))

    raise typer.Exit(run_command(work, INTERRUPTED))


def cp(sources: Sources, target: Target, conflict: Conflict = "FAIL", url: ServerUrl = None) -> None:
    """Copy files and folders. The server stores their bytes once.

    The target is a folder, or the new path of a single source.

    Several sources are all copied, or none of them (with more than 100, by the hundred).

    Exit codes: 0 done, 1 not copied, 2 wrong usage, no server or no sign-in, 130 interrupted.
    """

    def work() -> int:
        from cloudkeep.client.drive.moving import copy
        from cloudkeep.client.drive.run import run_drive

        policy = conflict_policy(conflict)
        return run_drive(url, lambda drive: copy(drive, sources, target, policy))

    raise typer.Exit(run_command(work, INTERRUPTED))


def rm(
    places: Annotated[list[str], typer.Argument(metavar="PATH...", help="Paths or IDs.", show_default=False)],
    permanently: Annotated[
        bool, typer.Option("--permanently", help="Delete them. They do not go to the trash, and cannot be restored.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="With --permanently: do not ask.")] = False,
    url: ServerUrl = None,
) -> None:
    """Move files and folders to the trash.

    `cloudkeep restore` brings them back.

    Exit codes: 0 done, 1 an item was not removed, 2 wrong usage, no server or no sign-in, 130 interrupted.
    """

    def work() -> int:
        from cloudkeep.client.drive.changes import remove
        from cloudkeep.client.drive.run import run_drive

        if permanently and not yes and not _is_confirmed(places):
            sys.stderr.write("Nothing was deleted.\n")
            return 1
        return run_drive(url, lambda drive: remove(drive, places, permanently=permanently))

    raise typer.Exit(run_command(work, INTERRUPTED))


def restore_items(places: list[str], url: str | None) -> int:
    """Restore items from the trash. Returns the exit code."""

    def work() -> int:
        from cloudkeep.client.drive.changes import restore
        from cloudkeep.client.drive.run import run_drive

        return run_drive(url, lambda drive: restore(drive, places))

    return run_command(work, INTERRUPTED)


def conflict_policy(text: str) -> str:
    """The policy of ``--conflict``. Raises :class:`UsageError`."""
    from cloudkeep.client.drive.drive import CONFLICT_POLICIES
    from cloudkeep.client.errors import UsageError, printable

    policy = text.upper().replace("-", "_")
    if policy not in CONFLICT_POLICIES:
        raise UsageError(f"--conflict must be one of {', '.join(CONFLICT_POLICIES)}, not {printable(repr(text))}")
    return policy


def _is_confirmed(places: list[str]) -> bool:
    """Ask on the terminal. Raises :class:`UsageError` if there is none."""
    from cloudkeep.client.errors import printable
    from cloudkeep.client.prompts import ask, require_terminal

    require_terminal("--permanently needs --yes here")
    what = printable(places[0]) if len(places) == 1 else f"{len(places)} items"
    return ask(f"Delete {what} permanently? It cannot be undone. [y/N]").lower() in {"y", "yes"}
