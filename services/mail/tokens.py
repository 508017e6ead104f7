"""Secrets in mails that are not stored: each is computed from a secret key and the ID of what it is for.

A mail in the outbox has only the ID. So a copy of the database, such as a backup, has no token that could be used.
"""

import base64
import hmac
from collections.abc import Callable, Mapping, Sequence
from uuid import UUID

from services.core.keys import SecretKey, derive
from services.mail.kinds import EmailChangedMail, MailContent, MailKind

#: Computes the variables of ``MailContent.derived`` with a secret key.
Derivation = Callable[[SecretKey, MailContent], Mapping[str, str]]


def mail_token(key: SecretKey, kind: MailKind, subject: UUID) -> str:
    """The token in a mail of this kind about a row, by its ID: the ID and an HMAC-SHA256 over it."""
    tag = hmac.digest(derive(key, f"mail/{kind}"), subject.bytes, "sha256")
    return f"{subject.hex}.{base64.urlsafe_b64encode(tag).rstrip(b'=').decode()}"


def subject_of(keys: Sequence[SecretKey], kind: MailKind, token: str) -> UUID | None:
    """The ID in a token, if it is one of this kind by one of these keys. Its comparison takes constant time."""
    try:
        subject = UUID(hex=token.strip().partition(".")[0])
    except ValueError:
        return None
    given = token.strip().encode(errors="replace")
    is_ours = [hmac.compare_digest(mail_token(key, kind, subject).encode(), given) for key in keys]
    return subject if any(is_ours) else None


def _token_of_change(key: SecretKey, content: MailContent) -> Mapping[str, str]:
    assert isinstance(content, EmailChangedMail)
    return {"token": mail_token(key, content.kind, content.change_id)}


#: By kind, for each one with derived variables.
DERIVATIONS: Mapping[MailKind, Derivation] = {
    MailKind.EMAIL_CHANGED: _token_of_change,
}
