"""``cloudkeep admin`` as it is declared. The modules with the work are imported when a command runs."""

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from cloudkeep.settings.settings import Settings

Work = Callable[["Settings"], Coroutine[None, None, int]]
User = Annotated[str, typer.Argument(metavar="USER", help="The user ID or the address.", show_default=False)]

admin = typer.Typer(
    help="Manage accounts and invitations.\n\n"
    "It works on the database of the data folder, with the settings of the server, which may be running or not.\n\n"
    "Exit codes: 0 done, 2 wrong usage, or the database cannot be used.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@admin.command("list")
def list_accounts() -> None:
    """List the accounts.

    The time of the last sign-in is that of the newest session that still exists.
    """
    from cloudkeep.cli.admin import accounts

    _run(accounts.print_accounts)


@admin.command()
def show(user: User) -> None:
    """Show one account."""
    from cloudkeep.cli.admin import accounts

    _run(lambda settings: accounts.print_account(settings, user))


@admin.command()
def disable(user: User) -> None:
    """Disable an account, which ends its sessions.

    Its files stay. A running server notices within a few seconds.
    """
    from cloudkeep.cli.admin import accounts

    _run(lambda settings: accounts.disable(settings, user))


@admin.command()
def enable(user: User) -> None:
    """Enable an account that was disabled."""
    from cloudkeep.cli.admin import accounts

    _run(lambda settings: accounts.enable(settings, user))


@admin.command()
def promote(user: User) -> None:
    """Make an account an administrator."""
    from cloudkeep.cli.admin import accounts

    _run(lambda settings: accounts.promote(settings, user))


@admin.command()
def demote(user: User) -> None:
    """Make an administrator an ordinary account.

    It refuses to do so with the last administrator who can sign in.
    """
    from cloudkeep.cli.admin import accounts

    _run(lambda settings: accounts.demote(settings, user))


@admin.command()
def quota(
    user: User,
    size: Annotated[
        str, typer.Argument(metavar="SIZE", help="As in 200GiB; none is no limit, default that of the settings.")
    ],
) -> None:
    """Set the quota of an account, as `grant --quota` does."""
    from cloudkeep.cli.grant import grant, parse_changes
    from storage.budgets.models import GrantKind

    _run(lambda settings: grant(settings, parse_changes(user, {GrantKind.QUOTA: size}, remove=False)))


@admin.command()
def invite(
    email: Annotated[
        str | None,
        typer.Argument(metavar="EMAIL", help="The only address that may use it; any without.", show_default=False),
    ] = None,
    expires: Annotated[str, typer.Option(metavar="TIME", help="How long it is valid, as in 12h or 7d.")] = "7d",
    quota: Annotated[
        str | None, typer.Option(metavar="SIZE", help="The quota of the new account.", show_default=False)
    ] = None,
    makes_admin: Annotated[bool, typer.Option("--admin", help="The new account is an administrator.")] = False,
) -> None:
    """Invite someone to register, once.

    It prints the token of the invitation, which cannot be shown again. With EMAIL and a mail server
    (CLOUDKEEP_MAIL_URL), the token is mailed as well.

    Exit codes: 0 done, 1 the mail was not sent, 2 wrong usage, or the database cannot be used.
    """
    from cloudkeep.cli.admin import invitations

    options = invitations.InviteOptions(email, expires, quota, makes_admin)
    _run(lambda settings: invitations.invite(settings, options))


@admin.command("invitations")
def list_invitations() -> None:
    """List the invitations."""
    from cloudkeep.cli.admin import invitations

    _run(invitations.print_invitations)


@admin.command()
def uninvite(
    invitation: Annotated[str, typer.Argument(metavar="ID", help="The ID of the invitation.", show_default=False)],
) -> None:
    """Delete an invitation that was not used."""
    from cloudkeep.cli.admin import invitations

    _run(lambda settings: invitations.uninvite(settings, invitation))


def _run(work: Work) -> None:
    """Run the work with the settings of a server that has run before, and exit."""
    from cloudkeep.cli.account_lookup import CommandRefused
    from cloudkeep.cli.commands import interruptible, settings_of_existing_server
    from cloudkeep.settings.preflight import StartupError
    from cloudkeep.supervisor.bootstrap import refusal

    try:
        raise typer.Exit(interruptible(work(settings_of_existing_server())))
    except (CommandRefused, StartupError) as error:
        raise refusal(error) from None
