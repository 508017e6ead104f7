"""The commands about invitations: each returns an exit code. They raise :class:`CommandRefused`."""

import sys
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from cloudkeep.cli.account_lookup import CommandRefused
from cloudkeep.cli.admin.values import quota_text, yes
from cloudkeep.client.display.tables import NOTHING, table, time_text
from cloudkeep.resources.mail import load_mail_templates, mail_composer
from cloudkeep.resources.resources import connected_database
from cloudkeep.settings.settings import Settings
from cloudkeep.settings.units import LARGEST_SIZE, DurationBetween, SizeBetween
from services.accounts.registration import invitations
from services.accounts.registration.invitations import InvitationTerms
from services.core import validation
from services.core.clock import now
from services.core.errors import InvalidInput
from services.mail.kinds import InvitationMail
from storage.accounts.models import Invitation
from storage.mail import Mail, MailError, open_mailer

CONSOLE = "console:"
LIFETIME = DurationBetween(60, 366 * 24 * 60 * 60)
QUOTA = SizeBetween(1, LARGEST_SIZE)
HEADER = ("ID", "ADDRESS", "CREATED", "EXPIRES", "STATE", "ADMIN", "QUOTA")


@dataclass(frozen=True)
class InviteOptions:
    """The options of ``invite`` as they were typed."""

    email: str | None
    expires: str
    quota: str | None
    makes_admin: bool

    def terms(self) -> InvitationTerms:
        """What the invitation permits. Raises :class:`CommandRefused`."""
        try:
            email = validation.email(self.email) if self.email is not None else None
        except InvalidInput as error:
            raise CommandRefused(f"{self.email!r}: {str(error).rstrip('.')}") from error
        option = "--expires"
        try:
            lifetime = timedelta(seconds=LIFETIME(self.expires))
            option = "--quota"
            quota = QUOTA(self.quota) if self.quota is not None else None
        except ValueError as error:
            raise CommandRefused(f"{option} {error}") from error
        return InvitationTerms(email, self.makes_admin, quota, lifetime)


async def invite(settings: Settings, options: InviteOptions) -> int:
    """Make an invitation, print its token, and mail it if there is an address and a mail server."""
    terms = options.terms()
    templates = load_mail_templates(settings)
    async with connected_database(settings):
        row, token = await invitations.create(terms)
    sys.stdout.write(f"{token}\n")
    sys.stdout.flush()
    sys.stderr.write(
        f"This is the token of the invitation {row.id}, and cannot be shown again. It permits one registration, until "
        f"{time_text(row.expires_at)} UTC.\n"
        f"To use it: cloudkeep register --url {settings.public_url} --invitation TOKEN\n"
    )
    if not row.email or settings.mail_url == CONSOLE:
        return 0
    return await _mail(settings, mail_composer(settings, templates).compose(InvitationMail(token), row.email))


async def _mail(settings: Settings, mail: Mail) -> int:
    # Sent here and not by the outbox, so that the operator sees whether it worked. The database has no token.
    mailer = open_mailer(settings.mail_url)
    try:
        await mailer.send(mail)
    except MailError as error:
        sys.stderr.write(f"The mail to {mail.to} was not sent: {error}. Give the token to them yourself.\n")
        return 1
    finally:
        await mailer.close()
    sys.stderr.write(f"It was mailed to {mail.to}.\n")
    return 0


async def print_invitations(settings: Settings) -> int:
    """Print every invitation, the newest first."""
    async with connected_database(settings):
        found, moment = await invitations.find_all(), now()
    rows = [
        (
            str(row.id),
            row.email or "any",
            time_text(row.created_at),
            time_text(row.expires_at),
            _state(row, moment),
            yes(row.makes_admin),
            NOTHING if row.quota is None else quota_text(row.quota),
        )
        for row in found
    ]
    sys.stdout.write(table(HEADER, rows))
    return 0


async def uninvite(settings: Settings, invitation: str) -> int:
    """Delete an invitation that was not used."""
    try:
        key = UUID(invitation)
    except ValueError as error:
        raise CommandRefused(f"{invitation!r} is no ID of an invitation; see `cloudkeep admin invitations`") from error
    async with connected_database(settings):
        if not await invitations.delete(key):
            raise CommandRefused(f"there is no unused invitation with the ID {key}")
    sys.stdout.write(f"The invitation {key} cannot be used any more.\n")
    return 0


def _state(row: Invitation, moment: datetime) -> str:
    if row.used_at:
        return f"used by {row.account.user_id}" if row.account else "used"
    return "valid" if row.expires_at > moment else "expired"
