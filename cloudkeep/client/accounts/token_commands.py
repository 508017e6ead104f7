"""The commands ``cloudkeep token``. They import what they need when they run."""

from typing import Annotated

import typer

from cloudkeep.client.accounts.commands import INTERRUPTED, PasswordStdin, run_account_command
from cloudkeep.client.command import ServerUrl

token = typer.Typer(
    help="Create, list and revoke API tokens.\n\n"
    "They let programs act for your account: set CLOUDKEEP_TOKEN to one.\n\n"
    "Exit codes: 0 done, 2 wrong usage, no server, no sign-in or not accepted, 130 interrupted.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@token.command()
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What the token is for.", show_default=False)],
    scope: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SCOPE",
            help="What it may do: READ, UPLOAD, WRITE, DELETE or ACCOUNT. Give the option several times for several "
            "scopes. `cloudkeep upload` needs UPLOAD and READ.",
            show_default=False,
        ),
    ] = None,
    expires: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="When it expires, as in 30d; by default never.", show_default=False),
    ] = None,
    url: ServerUrl = None,
    password_stdin: PasswordStdin = False,
) -> None:
    """Create an API token, and print it.

    The token is all that is printed on standard output, and cannot be shown again. If you did not sign in recently, it
    asks for your password.
    """

    def work() -> int:
        from cloudkeep.client.accounts.api_tokens import NewToken, create

        return create(url, NewToken.of(name, scope or [], expires), password_stdin=password_stdin)

    raise typer.Exit(run_account_command(work, INTERRUPTED))


@token.command("list")
def list_tokens(url: ServerUrl = None) -> None:
    """List the API tokens of the account."""

    def work() -> int:
        from cloudkeep.client.accounts.api_tokens import print_tokens

        return print_tokens(url)

    raise typer.Exit(run_account_command(work, INTERRUPTED))


@token.command()
def revoke(
    name: Annotated[str, typer.Argument(metavar="NAME|ID", help="Its name or its ID.", show_default=False)],
    url: ServerUrl = None,
) -> None:
    """Revoke an API token, which ends within seconds."""

    def work() -> int:
        from cloudkeep.client.accounts.api_tokens import revoke

        return revoke(url, name)

    raise typer.Exit(run_account_command(work, INTERRUPTED))
