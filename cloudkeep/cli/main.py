"""The command line. The commands are declared here; their modules are imported when they run, for a quick start."""

from pathlib import Path
from typing import Annotated

import typer

from cloudkeep.cli.admin.commands import admin
from cloudkeep.cli.restore_command import restore
from cloudkeep.client.accounts.commands import login, logout, register, whoami
from cloudkeep.client.accounts.token_commands import token
from cloudkeep.client.demo.command import demo
from cloudkeep.client.downloads.command import download
from cloudkeep.client.drive.commands import cp, ls, mkdir, mv, rm, search
from cloudkeep.client.sync.command import sync
from cloudkeep.client.uploads.command import upload

app = typer.Typer(
    name="cloudkeep",
    help="A self-hosted cloud drive for video and files. Start a server with `cloudkeep serve`, see it work with "
    "`cloudkeep demo`, and upload files with `cloudkeep upload`.",
    no_args_is_help=True,
    rich_markup_mode=None,
    context_settings={"max_content_width": 100},
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _print_version(is_asked_for: bool) -> None:
    if is_asked_for:
        version()
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Options that come before a command."""


@app.command()
def serve() -> None:
    """Run the server: the API and a worker.

    Unless CLOUDKEEP_REDIS_URL is set, it also runs a Valkey.

    Settings are environment variables. The first ones to know: CLOUDKEEP_DATA_DIR (./data), CLOUDKEEP_PORT (8000),
    CLOUDKEEP_HOST (127.0.0.1), CLOUDKEEP_PUBLIC_URL (the address that clients use) and CLOUDKEEP_MAIL_URL (console:,
    which prints mail here). docs/settings.md describes all of them.

    Ctrl-C stops everything. Exit codes: 0 stopped, 2 a setting is wrong or something else prevents the start.
    """
    from cloudkeep.cli import commands

    raise typer.Exit(commands.serve())


app.command("demo")(demo)
app.command("upload")(upload)
app.command("download")(download)
app.command("sync")(sync)
app.command("ls")(ls)
app.command("mkdir")(mkdir)
app.command("mv")(mv)
app.command("cp")(cp)
app.command("rm")(rm)
app.command("restore")(restore)
app.command("search")(search)
app.command("login")(login)
app.command("logout")(logout)
app.command("whoami")(whoami)
app.command("register")(register)
app.add_typer(token, name="token")
app.add_typer(admin, name="admin")


@app.command()
def worker() -> None:
    """Run one more worker, which verifies and compresses uploads.

    It also sends mails. It needs the settings of the server, CLOUDKEEP_REDIS_URL among them. On another host it needs
    CLOUDKEEP_SECRET_KEYS as well, and a database and a store that both hosts reach (CLOUDKEEP_DATABASE_URL,
    CLOUDKEEP_BLOB_URL).

    Ctrl-C stops it. Exit codes: 0 stopped, 2 a setting is wrong or something else prevents the start.
    """
    from cloudkeep.cli import commands

    raise typer.Exit(commands.worker())


@app.command()
def migrate() -> None:
    """Create or update the tables of the database. A server does it by itself when it starts.

    Exit codes: 0 the database is up to date, 2 it cannot be used or there is no data folder.
    """
    from cloudkeep.cli import commands

    raise typer.Exit(commands.migrate())


@app.command()
def health(
    worker: Annotated[bool, typer.Option("--worker", help="Check the workers of this data folder instead.")] = False,
) -> None:
    """Check whether the server of this data folder is ready.

    This is the health check of a container.

    Exit codes: 0 ready, 1 not ready, 2 a setting is wrong or there is no data folder.
    """
    from cloudkeep.cli import commands

    raise typer.Exit(commands.health(worker=worker))


@app.command()
def doctor(
    mend: Annotated[
        bool,
        typer.Option(
            "--fix", "--mend", help="Repair what can be repaired without losing data, and set the rules of a bucket."
        ),
    ] = False,
    backup: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Check this backup instead, or the newest in a folder of backups."),
    ] = None,
    verify: Annotated[bool, typer.Option("--verify", help="With --backup: read all bytes of its blobs.")] = False,
) -> None:
    """Compare the database with the stored files. The server may be running or not.

    With --backup, it checks a backup, for which it needs no server, no data folder and no settings.

    Exit codes: 0 no problems, 1 problems were found, 2 the check could not run.
    """
    from cloudkeep.cli import commands

    if backup or verify:
        raise typer.Exit(commands.check_backup(backup, mend=mend, verify=verify))
    raise typer.Exit(commands.doctor(mend=mend))


@app.command()
def backup(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A folder for backups.", show_default=False)],
    blobs: Annotated[
        bool, typer.Option("--blobs", help="Copy the stored files as well, those that are not there yet.")
    ] = False,
    prune: Annotated[
        bool, typer.Option("--prune", help="Delete copies of stored files that no backup in FOLDER lists.")
    ] = False,
) -> None:
    """Back up the database, with --blobs the stored files too.

    It makes a dated folder in FOLDER, with the secret keys as well.

    The server may be running or not. FOLDER is new or empty, or has earlier backups.

    After an interruption, run the same command again: it copies only the stored files that are missing.

    Exit codes: 0 complete, 1 stored files could not be copied, 2 no backup was made, 130 interrupted.
    """
    from cloudkeep.cli import commands

    raise typer.Exit(commands.backup(folder, blobs=blobs, prune=prune))


@app.command()
def scrub(
    rate: Annotated[
        str,
        typer.Option(metavar="SIZE", help="Bytes to read per second at most; a bare number counts MiB."),
    ] = "50MiB",
    from_start: Annotated[bool, typer.Option("--from-start", help="Do not resume an interrupted run.")] = False,
) -> None:
    """Read every stored file again and report damaged ones. It changes nothing.

    An interrupted run is resumed.

    Exit codes: 0 no damage, 1 damaged files, 2 the check could not run, 130 interrupted.
    """
    from cloudkeep.cli import commands

    raise typer.Exit(commands.scrub(rate=rate, from_start=from_start))


@app.command()
def documents() -> None:
    """Print the GraphQL documents of the command line.

    They are JSON for CLOUDKEEP_TRUSTED_DOCUMENTS.
    """
    import json

    from cloudkeep.client.accounts import documents as accounts
    from cloudkeep.client.api.documents import ALL, persisted_documents
    from cloudkeep.client.demo import documents as demo
    from cloudkeep.client.drive import documents as drive

    typer.echo(json.dumps(persisted_documents([*ALL, *accounts.ALL, *drive.ALL, *demo.ALL]), indent=2))


@app.command()
def grant(
    user_id: Annotated[str | None, typer.Argument(metavar="USER_ID", help="The account.", show_default=False)] = None,
    points: Annotated[
        str | None,
        typer.Option(metavar="CAPACITY/REFILL", help="Points for operations, as in 20000/1000 (refill per second)."),
    ] = None,
    ingest: Annotated[
        str | None,
        typer.Option(metavar="CAPACITY/REFILL", help="Bytes of chunks, as in 256GiB/1GiB (refill per second)."),
    ] = None,
    subscriptions: Annotated[
        str | None, typer.Option(metavar="N", help="Subscriptions that may be open at the same time.")
    ] = None,
    quota: Annotated[
        str | None, typer.Option(metavar="SIZE|none", help="Bytes that it may store, as in 200GiB; none is no limit.")
    ] = None,
    remove: Annotated[bool, typer.Option("--remove", help="Remove all limits of its own.")] = False,
) -> None:
    """Give an account limits of its own, and list them.

    They replace the limits of the settings. Without USER_ID, the grants of all accounts are listed.

    The value "default" restores the limit of the settings. The server may be running or not; a running one applies a
    quota at once, and the others within half a minute.

    Exit codes: 0 done, 2 wrong usage, or the database cannot be used.
    """
    from cloudkeep.cli import commands

    options = {"points": points, "ingest": ingest, "subscriptions": subscriptions, "quota": quota}
    raise typer.Exit(commands.grant(user_id, remove=remove, **options))


@app.command()
def version() -> None:
    """Print the version."""
    from cloudkeep import __version__

    typer.echo(f"CloudKeep {__version__}")


def main() -> None:
    """The entry point of ``cloudkeep``."""
    app()
