"""The command line. Every command is one line here and a function elsewhere, loaded when it is called."""

from typing import Annotated

import typer

from cloudkeep.client.command import upload

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
    """Take the options that stand before a command."""


@app.command()
def serve() -> None:
    """Serve everything: the API, a worker and, unless CLOUDKEEP_REDIS_URL is set, a Valkey."""
    from cloudkeep import commands

    raise typer.Exit(commands.serve())


@app.command()
def worker() -> None:
    """Run one more worker; CLOUDKEEP_REDIS_URL says where the others are."""
    from cloudkeep import commands

    raise typer.Exit(commands.worker())


@app.command()
def migrate() -> None:
    """Bring the database up to date."""
    from cloudkeep import commands

    raise typer.Exit(commands.migrate())


@app.command()
def doctor(
    mend: Annotated[bool, typer.Option("--mend", help="Mend what can be mended without losing anything.")] = False,
) -> None:
    """Compare the database with the stored bytes, whether the server runs or not.

    Exit codes: 0 all is well, 1 something was found, 2 it could not be started.
    """
    from cloudkeep import commands

    raise typer.Exit(commands.doctor(mend=mend))


@app.command()
def scrub(
    rate: Annotated[float, typer.Option(metavar="MIB/S", min=0.1, help="Read at most so many MiB a second.")] = 50.0,
    from_start: Annotated[bool, typer.Option("--from-start", help="Do not go on where the last run stopped.")] = False,
) -> None:
    """Read every stored file again and report those whose bytes have changed. Nothing is altered.

    A run that was interrupted is gone on with by the next one.

    Exit codes: 0 all is well, 1 something is damaged, 2 it could not be started, 130 interrupted.
    """
    from cloudkeep import commands

    raise typer.Exit(commands.scrub(rate=rate, from_start=from_start))


app.command("upload")(upload)


def main() -> None:
    """Entry point."""
    app()


if __name__ == "__main__":
    main()
