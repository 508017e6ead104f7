"""The commands ``login``, ``logout``, ``register`` and ``whoami``. They import what they need when they run."""

from collections.abc import Callable
from typing import Annotated

import typer

from cloudkeep.client.command import ServerUrl, run_command

INTERRUPTED = "Interrupted. Nothing was changed."
NOT_REGISTERED = "Interrupted. No account was created."
PasswordStdin = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from the first line of standard input.")
]


def login(
    user: Annotated[
        str | None, typer.Argument(metavar="USER", help="The user ID or the e-mail address.", show_default=False)
    ] = None,
    url: ServerUrl = None,
    password_stdin: PasswordStdin = False,
) -> None:
    """Sign in, and keep the session.

    `upload` and the other commands use it. It is kept in the system keyring if there is one, else in
    ~/.config/cloudkeep/credentials.json, which only you can read. There is one session for each server; the last
    sign-in is the default.

    Exit codes: 0 signed in, 2 wrong usage, no server or no sign-in, 130 interrupted.
    """

    def work() -> int:
        from cloudkeep.client.accounts.signing_in import login

        return login(url, user, password_stdin=password_stdin)

    raise typer.Exit(run_account_command(work, INTERRUPTED))


def logout(url: ServerUrl = None) -> None:
    """End the session, here and at the server.

    Exit codes: 0 signed out, 1 signed out here, but the server did not end the session, 2 wrong usage, 130 interrupted.
    """

    def work() -> int:
        from cloudkeep.client.accounts.signing_in import logout

        return logout(url)

    raise typer.Exit(run_account_command(work, "Interrupted. The session was removed here."))


def whoami(url: ServerUrl = None) -> None:
    """Print who is signed in, and where.

    It prints the account, the server, the session, and where the credentials are kept.

    Exit codes: 0 signed in, 2 no one is signed in, or no server answers.
    """

    def work() -> int:
        from cloudkeep.client.accounts.signing_in import whoami

        return whoami(url)

    raise typer.Exit(run_account_command(work, INTERRUPTED))


def register(
    user: Annotated[str | None, typer.Argument(metavar="USER_ID", help="The user ID.", show_default=False)] = None,
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="The name that is shown to people.", show_default=False)
    ] = None,
    email: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Where the code is sent.", show_default=False)
    ] = None,
    invitation: Annotated[
        str | None, typer.Option(metavar="TOKEN", help="The invitation, which begins with cki_.", show_default=False)
    ] = None,
    url: ServerUrl = None,
    password_stdin: PasswordStdin = False,
) -> None:
    """Create an account, and sign in.

    It asks for what is not given, then for the code that the server mails. With --password-stdin, the code is the next
    line of standard input.

    Exit codes: 0 registered, 2 wrong usage, no server or not accepted, 130 interrupted.
    """

    def work() -> int:
        from cloudkeep.client.accounts.registering import Answers, register

        answers = Answers(user, name, email, invitation)
        return register(url, answers, password_stdin=password_stdin)

    raise typer.Exit(run_account_command(work, NOT_REGISTERED))


def run_account_command(work: Callable[[], int], interrupted: str) -> int:
    """Run a command whose refusal by the server is one line and exit code 2."""

    def refusable() -> int:
        from cloudkeep.client.errors import Refused, RequestRefused

        try:
            return work()
        except RequestRefused as error:
            raise Refused(str(error)) from error

    return run_command(refusable, interrupted)
