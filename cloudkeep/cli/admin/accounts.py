"""The commands about accounts: each returns an exit code. They raise :class:`CommandRefused`."""

import sys

from rich.filesize import decimal

from cloudkeep.cli.account_lookup import CommandRefused, find_account
from cloudkeep.cli.admin.values import quota_text, yes
from cloudkeep.client.display.tables import table, time_text
from cloudkeep.client.errors import printable
from cloudkeep.resources.resources import connected_database
from cloudkeep.settings.settings import Settings
from services.core.clock import now
from services.core.ids import Prefix, encode
from storage.accounts import administration
from storage.accounts.administration import LastAdministrator
from storage.accounts.models import Account, ApiToken, Session
from storage.budgets import limit_overrides
from storage.budgets.models import GrantKind
from storage.drive.models import FileVersion
from storage.uploads import usage
from storage.uploads.usage_of_all import used_bytes

HEADER = ("USER ID", "ADDRESS", "CREATED", "LAST SIGN-IN", "ADMIN", "DISABLED", "USED", "QUOTA")


async def print_accounts(settings: Settings) -> int:
    """Print every account, the oldest first."""
    async with connected_database(settings):
        accounts = await administration.find_all()
        sign_ins, used = await administration.last_sign_ins(), await used_bytes()
        grants = await limit_overrides.find_all()
    quotas = {grant.account_id: grant.capacity for grant in grants if grant.kind is GrantKind.QUOTA}
    rows = [
        (
            account.user_id,
            account.email,
            time_text(account.created_at),
            time_text(sign_ins.get(account.id)),
            yes(account.is_admin),
            yes(account.disabled_at),
            decimal(used.get(account.id, 0)),
            quota_text(quotas.get(account.id, settings.quota)),
        )
        for account in accounts
    ]
    sys.stdout.write(table(HEADER, rows))
    return 0


async def print_account(settings: Settings, name: str) -> int:
    """Print what there is to know about one account."""
    async with connected_database(settings):
        account = await find_account(name)
        lines = await _properties(account, settings.quota)
    for label, value in lines.items():
        sys.stdout.write(f"{label + ':':<14} {printable(value)}\n")
    return 0


async def _properties(account: Account, default_quota: int | None) -> dict[str, str]:
    quota = await limit_overrides.quota_of(account.id, default_quota)
    space = await usage.measure(account.id, quota)
    sessions, tokens = Session.filter(account_id=account.id), ApiToken.filter(account_id=account.id)
    last = await sessions.order_by("-created_at").first()
    return {
        "User ID": account.user_id,
        "Name": account.name,
        "Address": account.email,
        "ID": encode(Prefix.ACCOUNT, account.id),
        "Created": time_text(account.created_at),
        "Last sign-in": time_text(last.created_at if last else None),
        "Sessions": str(await sessions.count()),
        "API tokens": str(await tokens.count()),
        "Administrator": yes(account.is_admin),
        "Disabled": time_text(account.disabled_at),
        "Files": str(await FileVersion.filter(account_id=account.id).count()),
        "Used": f"{decimal(space.used)}, and {decimal(space.reserved)} reserved",
        "Quota": quota_text(quota),
    }


async def disable(settings: Settings, name: str) -> int:
    """Disable an account, which ends its sessions."""
    async with connected_database(settings):
        account = await find_account(name)
        changed = await administration.disable(account.id, now())
    return _report(account, changed, "is disabled, and its sessions have ended", "is already disabled")


async def enable(settings: Settings, name: str) -> int:
    """Enable an account that was disabled."""
    async with connected_database(settings):
        account = await find_account(name)
        changed = await administration.enable(account.id)
    return _report(account, changed, "can sign in again", "is not disabled")


async def promote(settings: Settings, name: str) -> int:
    """Make an account an administrator."""
    async with connected_database(settings):
        account = await find_account(name)
        changed = await administration.promote(account.id)
    return _report(account, changed, "is an administrator now", "is already an administrator")


async def demote(settings: Settings, name: str) -> int:
    """Make an administrator an ordinary account, unless it is the last one."""
    async with connected_database(settings):
        account = await find_account(name)
        try:
            changed = await administration.demote(account.id)
        except LastAdministrator as error:
            raise CommandRefused(f"{account.user_id} was not demoted: {error}") from error
    return _report(account, changed, "is no longer an administrator", "is not an administrator")


def _report(account: Account, changed: bool, done: str, unchanged: str) -> int:
    sys.stdout.write(f"{account.user_id} {done if changed else unchanged}.\n")
    return 0
