"""The kinds of mails, each with the variables that its templates may use.

The fields of a class are its variables. Every template may use ``server`` as well, the public URL of this server, and
the variables of ``derived``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import ClassVar
from uuid import UUID


class MailKind(StrEnum):
    """The kind of a mail. The value is the name of its template files."""

    REGISTRATION = "registration"
    ALREADY_REGISTERED = "already_registered"
    PASSWORD_RESET = "password_reset"  # noqa: S105 - a name
    EMAIL_CHANGE = "email_change"
    EMAIL_CHANGED = "email_changed"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - a name
    NEW_SIGN_IN = "new_sign_in"
    INVITATION = "invitation"
    API_TOKEN_CREATED = "api_token_created"  # noqa: S105 - a name


@dataclass(frozen=True)
class MailContent:
    """The base of all kinds.

    ``required``: variables that must be in the text of the mail, because it would be useless without them.
    ``derived``: variables that are secret and are not fields, because they are computed from the secret keys when the
    mail is rendered; see :mod:`services.mail.tokens`. ``may_wait``: whether the mail may be stored in the outbox. One
    with a code or a random token must not be: they are never stored in plain text.
    """

    kind: ClassVar[MailKind]
    required: ClassVar[tuple[str, ...]] = ()
    derived: ClassVar[tuple[str, ...]] = ()
    may_wait: ClassVar[bool] = True


@dataclass(frozen=True)
class RegistrationMail(MailContent):
    """The code that confirms a registration. ``minutes``: how long it is valid."""

    kind = MailKind.REGISTRATION
    required = ("code",)
    may_wait = False

    code: str
    user_id: str
    minutes: int


@dataclass(frozen=True)
class AlreadyRegisteredMail(MailContent):
    """Tells the owner of an account that somebody tried to register its address again."""

    kind = MailKind.ALREADY_REGISTERED
    may_wait = False


@dataclass(frozen=True)
class PasswordResetMail(MailContent):
    """The code that allows a new password. ``minutes``: how long it is valid."""

    kind = MailKind.PASSWORD_RESET
    required = ("code",)
    may_wait = False

    code: str
    minutes: int


@dataclass(frozen=True)
class EmailChangeMail(MailContent):
    """The code that confirms a new address, sent to that address. ``minutes``: how long it is valid."""

    kind = MailKind.EMAIL_CHANGE
    required = ("code",)
    may_wait = False

    code: str
    minutes: int


@dataclass(frozen=True)
class EmailChangedMail(MailContent):
    """Tells the old address that it was replaced, with a token that undoes the change within ``days``.

    ``change_id`` is the ID of the change, from which the token is derived.
    """

    kind = MailKind.EMAIL_CHANGED
    required = ("token",)
    derived = ("token",)

    change_id: UUID
    days: int


@dataclass(frozen=True)
class PasswordChangedMail(MailContent):
    """Tells the owner that the password was changed."""

    kind = MailKind.PASSWORD_CHANGED


@dataclass(frozen=True)
class NewSignInMail(MailContent):
    """Tells the owner of a sign-in from a device that was not known. ``time`` is for people, with its time zone."""

    kind = MailKind.NEW_SIGN_IN

    device: str
    address: str
    time: str


@dataclass(frozen=True)
class InvitationMail(MailContent):
    """An invitation to register, with its token."""

    kind = MailKind.INVITATION
    required = ("token",)
    may_wait = False

    token: str


@dataclass(frozen=True)
class ApiTokenCreatedMail(MailContent):
    """Tells the owner of a new API token. ``scopes`` and ``time`` are for people."""

    kind = MailKind.API_TOKEN_CREATED

    last_characters: str
    scopes: str
    time: str


KINDS: Mapping[MailKind, type[MailContent]] = {
    content.kind: content
    for content in (
        RegistrationMail,
        AlreadyRegisteredMail,
        PasswordResetMail,
        EmailChangeMail,
        EmailChangedMail,
        PasswordChangedMail,
        NewSignInMail,
        InvitationMail,
        ApiTokenCreatedMail,
    )
}


def variables_of(content: type[MailContent]) -> dict[str, type[str] | type[int]]:
    """The names and types of the variables that the templates of this kind may use."""
    own = {field.name: int if field.type is int else str for field in fields(content)}
    return {**own, **dict.fromkeys((*content.derived, "server"), str)}
