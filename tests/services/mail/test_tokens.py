"""Tokens of mails are secrets that no table has."""

from uuid import UUID, uuid4

import pytest

from services.core.keys import SecretKey
from services.mail.kinds import KINDS, MailKind
from services.mail.tokens import DERIVATIONS, mail_token, subject_of

OLD, NEW, OTHER = (SecretKey(name, name.encode() * 40) for name in ("old", "new", "other"))
SUBJECT = UUID(int=7)
UNDO, INVITATION = MailKind.EMAIL_CHANGED, MailKind.INVITATION


def test_a_token_names_its_subject_for_its_kind_and_key_alone() -> None:
    token = mail_token(OLD, UNDO, SUBJECT)
    assert token == mail_token(OLD, UNDO, SUBJECT)
    assert subject_of([OLD], UNDO, token) == SUBJECT
    assert subject_of([NEW, OLD], UNDO, f" {token}\n") == SUBJECT
    assert subject_of([OTHER], UNDO, token) is None
    assert subject_of([OLD], INVITATION, token) is None
    assert subject_of([OLD], UNDO, token.replace(SUBJECT.hex, uuid4().hex)) is None


@pytest.mark.parametrize("token", ["", ".", "a.b", SUBJECT.hex, f"{SUBJECT.hex}.", "ü" * 40, "\ud800", "9" * 10**6])
def test_what_is_no_token_has_no_subject(token: str) -> None:
    assert subject_of([OLD], UNDO, token) is None


def test_every_kind_with_derived_variables_has_a_derivation() -> None:
    assert set(DERIVATIONS) == {kind for kind, content in KINDS.items() if content.derived}
