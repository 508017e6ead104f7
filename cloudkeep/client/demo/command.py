"""The command ``cloudkeep demo``. It imports what it needs when it runs, so that other commands start quickly."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from cloudkeep.client.command import ServerUrl, program_name, run_command

if TYPE_CHECKING:
    import asyncio

    from cloudkeep.client.demo.tour import Tour
    from cloudkeep.client.demo.transcript import Transcript

INTERRUPTED = "Interrupted. The temporary files were deleted."
#: The server accepts no more guesses of one code.
MAX_GUESSES = 5


def demo(
    url: ServerUrl = None,
    email: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="Where the server mails the code, if it sends mail.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Show the API at work on a running server.

    It registers a new account, uploads a clip in chunks, watches the compression and downloads the result. It shows
    every request as it is sent.

    Exit codes: 0 done, 1 a step failed, 2 wrong usage, no server or no sign-in, 130 interrupted.
    """
    raise typer.Exit(run_command(lambda: _demo(url, email), INTERRUPTED))


def _demo(url: str | None, email: str | None) -> int:
    import asyncio
    from pathlib import Path
    from tempfile import TemporaryDirectory

    from cloudkeep.client.api.graphql import GraphQL
    from cloudkeep.client.api.http import open_http
    from cloudkeep.client.api.session import Session
    from cloudkeep.client.demo.tour import Tour
    from cloudkeep.client.demo.transcript import Transcript
    from cloudkeep.client.running_server import server_url

    server, transcript = server_url(url), Transcript()
    http = open_http(server)
    with TemporaryDirectory(prefix="cloudkeep-demo-") as folder, asyncio.Runner() as runner:
        try:
            runner.run(Session(GraphQL(http, server)).check())
            transcript.watch(http)
            tour = Tour(http, server, transcript, Path(folder), email)
            runner.run(tour.register())
            _sign_in(tour, transcript, runner)
            runner.run(tour.upload_and_download())
        finally:
            runner.run(http.aclose())
    transcript.note(f"\nGo on as user {tour.user_id} with the password {tour.password}, here or at {server}/graphql:")
    transcript.note(f"    {program_name()} upload FILE --compress BALANCED")
    return 0


def _sign_in(tour: "Tour", transcript: "Transcript", runner: "asyncio.Runner") -> None:
    """Ask for the code until it is right. Between two runs of the loop, because reading a line blocks."""
    from cloudkeep.client.errors import SignInError

    transcript.step("Sign in", f"The mail to {tour.email} has a code, which creates the account and signs us in.")
    transcript.note("Without a mail server, the mail is printed where `make run` or `cloudkeep serve` runs.")
    for _ in range(MAX_GUESSES):
        if runner.run(tour.verify(_ask_code())):
            return
        transcript.note("The code is wrong. Please try again.")
    raise SignInError("the code was wrong too often; run the same command again for a new code")


def _ask_code() -> str:
    """A line from standard input. Raises :class:`UsageError` at its end."""
    from cloudkeep.client.errors import UsageError

    sys.stdout.write("Code: ")
    sys.stdout.flush()
    line = sys.stdin.readline()
    if not sys.stdin.isatty():
        sys.stdout.write("\n")
    if not line:
        raise UsageError("no code was entered")
    return "".join(line.split())
