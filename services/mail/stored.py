"""Turns contents into rows of the outbox, and back. A row has no secrets."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any
from uuid import UUID

from services.core.keys import SecretKey
from services.mail.kinds import KINDS, MailContent, MailKind
from storage.outbox.models import OutboxMail


class SecretKeyMissing(Exception):
    """This process lacks the secret key with which the token of a mail was announced."""


def row_of(
    content: MailContent, to: str, locale: str | None, account_id: UUID | None, keys: Sequence[SecretKey]
) -> OutboxMail:
    """A new row, not yet stored. Raises ValueError for a mail with a code, which must not be stored."""
    if not content.may_wait:
        raise ValueError(f"a mail of the kind {content.kind} is never stored")
    params = {name: str(value) if isinstance(value, UUID) else value for name, value in asdict(content).items()}
    return OutboxMail(
        account_id=account_id,
        recipient=to,
        kind=content.kind.value,
        locale=locale,
        params=params,
        key_id=keys[0].kid if content.derived else None,
    )


def content_of(row: OutboxMail) -> MailContent:
    """The content that a row stores. Raises ValueError if this version of CloudKeep does not know it."""
    content = KINDS[MailKind(row.kind)]
    return content(**dict(_parsed(content, row.params)))


def key_of(row: OutboxMail, keys: Sequence[SecretKey]) -> SecretKey | None:
    """The key for the token of a mail; None if it has no token. Raises :class:`SecretKeyMissing`.

    Another key would make a token that the server does not accept.
    """
    if row.key_id is None:
        return None
    for key in keys:
        if key.kid == row.key_id:
            return key
    raise SecretKeyMissing(
        f"this worker lacks the secret key {row.key_id!r}: set CLOUDKEEP_SECRET_KEYS to the keys of the API"
    )


def _parsed(content: type[MailContent], params: Mapping[str, Any]) -> Sequence[tuple[str, Any]]:
    types = {field.name: field.type for field in fields(content)}
    if types.keys() != params.keys():
        raise ValueError(f"the mail {content.kind} has other parameters")
    return [(name, UUID(value) if types[name] is UUID else value) for name, value in params.items()]
