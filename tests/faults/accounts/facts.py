"""What is true of a person's account: in the database, and for the holders of its credentials."""

from datetime import UTC, datetime, timedelta
from typing import Any

from storage.accounts.models import (
    Account,
    ApiToken,
    EmailChange,
    Invitation,
    PasswordReset,
    Registration,
    Session,
)
from storage.budgets.models import Grant
from storage.outbox.models import OutboxMail
from tests.faults.accounts.people import Person

Facts = dict[str, Any]


async def note(person: Person) -> None:
    """Keep what the facts are compared with. Call it before the mutation."""
    person.row = await Account.get_or_none(user_id=person.user_id)
    person.mails = set()
    if person.row:
        person.mails = {mail.id for mail in await OutboxMail.filter(account_id=person.row.id)}
    person.noted["codes"] = {row.otp_hash for row in await Registration.filter(email=person.email)}


async def facts(person: Person) -> Facts:
    """What is true now. Raises AssertionError if there are two administrators."""
    assert await Account.filter(is_admin=True).count() <= 1
    account = await Account.get_or_none(user_id=person.user_id)
    registrations = Registration.filter(email=person.email)
    found: Facts = {
        "account": account is not None,
        "registrations": await registrations.count(),
        "new codes": len({row.otp_hash for row in await registrations} - person.noted["codes"]),
        "invitation": await _invitation(person, account),
        "works": await person.working(),
    }
    return {**found, **(await _of(person, account) if account else {})}


async def _of(person: Person, account: Account) -> Facts:
    key = account.id
    mails = [mail for mail in await OutboxMail.filter(account_id=key) if mail.id not in person.mails]
    recent = datetime.now(UTC) - timedelta(hours=1)
    return {
        "administrator": account.is_admin,
        "address": {person.email: "first", person.new_email: "new"}[account.email],
        "password": "first" if not person.row or account.password_hash == person.row.password_hash else "new",
        "quota": await Grant.filter(account_id=key).count(),
        "sessions": await Session.filter(account_id=key).count(),
        "recent sign-ins": await Session.filter(account_id=key, authenticated_at__gt=recent).count(),
        "refreshed": await Session.filter(account_id=key, rotated_at__not_isnull=True).count(),
        "API tokens": await ApiToken.filter(account_id=key).count(),
        "resets": await PasswordReset.filter(account_id=key).count(),
        "changes": await EmailChange.filter(account_id=key, confirmed_at=None).count(),
        "reserved": await EmailChange.filter(old_email=person.email, undo_until__gt=datetime.now(UTC)).count(),
        "mails": sorted(mail.kind for mail in mails),
    }


async def _invitation(person: Person, account: Account | None) -> str:
    """How the invitation of the person was used."""
    if "invitation" not in person.noted:
        return "none"
    invitation = await Invitation.get(id=person.noted["invitation"])
    if not invitation.used_at:
        return "unused"
    return "used" if account and invitation.account_id == account.id else "lost"
