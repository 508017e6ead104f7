"""The command line. Each command is declared here, and its function is imported when it is called."""

from typing import Annotated

import typer

from cloudkeep.client.command import upload
from cloudkeep.client.demo.command import demo

app = typer.Typer(
    name="cloudkeep",
    help="A self-hosted cloud drive for video and files.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _version(wanted: bool) -> None:
    if wanted:
        from cloudkeep import __version__

        typer.echo(f"CloudKeep {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """The options before a command."""


@app.command()
def serve() -> None:
    """Serve everything: the API, a worker and, unless CLOUDKEEP_REDIS_URL is set, a Valkey."""
    from cloudkeep.cli import commands

    raise typer.Exit(commands.serve())


@app.command()
def worker() -> None:
    """Run one more worker; CLOUDKEEP_REDIS_URL says where the others are."""
    from cloudkeep.cli import commands

    raise typer.Exit(commands.worker())


@app.command()
def migrate() -> None:
    """Bring the database up to date."""
    from cloudkeep.cli import commands

    raise typer.Exit(commands.migrate())


@app.command()
def health(
    worker: Annotated[bool, typer.Option("--worker", help="Look at the workers of this data folder instead.")] = False,
) -> None:
    """Ask the API on this host whether it is ready, for the health check of a container.

    Exit codes: 0 it is, 1 it is not, 2 the settings are wrong.
    """
    from cloudkeep.cli import commands

    raise typer.Exit(commands.health(worker=worker))


@app.command()
def doctor(
    mend: Annotated[
        bool,
        typer.Option(
            "--fix", "--mend", help="Mend what can be mended without losing anything, and give a bucket its rules."
        ),
    ] = False,
) -> None:
    """Compare the database with the stored bytes, whether the server runs or not.

    Exit codes: 0 all is well, 1 something was found, 2 it could not be started.
    """
    from cloudkeep.cli import commands

    raise typer.Exit(commands.doctor(mend=mend))


@app.command()
def scrub(
    rate: Annotated[
        str,
        typer.Option(metavar="SIZE", help="Bytes to read per second at most; a bare number counts MiB."),
    ] = "50MiB",
    from_start: Annotated[bool, typer.Option("--from-start", help="Do not resume the last run.")] = False,
) -> None:
    """Read every stored file again and report those whose bytes have changed. Nothing is altered.

    Resumes an interrupted run.

    Exit codes: 0 all is well, 1 something is damaged, 2 it could not be started, 130 interrupted.
    """
    from cloudkeep.cli import commands

    raise typer.Exit(commands.scrub(rate=rate, from_start=from_start))


@app.command()
def documents() -> None:
    """Print the GraphQL documents of "cloudkeep upload", for a file of trusted documents (JSON)."""
    import json

    from cloudkeep.client.api.documents import persisted_documents

    typer.echo(json.dumps(persisted_documents(), indent=2))


@app.command()
def grant(
    user_id: Annotated[str | None, typer.Argument(metavar="USER_ID", help="Whose budget.", show_default=False)] = None,
    points: Annotated[
        str | None,
        typer.Option(metavar="CAPACITY/REFILL", help="Points for operations, as in 20000/1000 (refill per second)."),
    ] = None,
    ingest: Annotated[
        str | None,
        typer.Option(metavar="CAPACITY/REFILL", help="Bytes of chunks, as in 256GiB/1GiB (refill per second)."),
    ] = None,
    subscriptions: Annotated[
        str | None, typer.Option(metavar="N", help="Subscriptions that may be open at once.")
    ] = None,
    remove: Annotated[bool, typer.Option("--remove", help="Take away everything that was granted.")] = False,
) -> None:
    """Give an account limits of its own, in place of those of the settings, and print all that it was granted.

    The value "default" takes one away. Without a user ID, all grants are listed.
    It works whether the server runs or not; a running one applies it within half a minute.

    Exit codes: 0 done, 2 it could not be started or makes no sense.
    """
    from cloudkeep.cli import commands

    raise typer.Exit(commands.grant(user_id, points, ingest, subscriptions, remove=remove))


app.command("upload")(upload)
app.command("demo")(demo)


def main() -> None:
    """Entry point."""
    app()
