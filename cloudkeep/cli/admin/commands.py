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


def _run(work: Work) -> None:
    """Run the work with the settings of a server that has run before, and exit."""
    from cloudkeep.cli.account_lookup import CommandRefused
    from cloudkeep.cli.commands import interruptible, settings_of_existing_server
    from cloudkeep.supervisor.bootstrap import refusal

    try:
        raise typer.Exit(interruptible(work(settings_of_existing_server())))
    except CommandRefused as error:
        raise refusal(error) from None
