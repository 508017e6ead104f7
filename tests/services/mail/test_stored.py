"""Rows of the outbox: contents without secrets, and back."""

import json
from uuid import UUID, uuid4

import pytest

from services.core.keys import SecretKey
from services.mail.kinds import (
    KINDS,
    AlreadyRegisteredMail,
    ApiTokenCreatedMail,
    EmailChangedMail,
    EmailChangeMail,
    MailContent,
    NewSignInMail,
    PasswordChangedMail,
    PasswordResetMail,
    RegistrationMail,
)
from services.mail.stored import SecretKeyMissing, content_of, key_of, row_of
from services.mail.tokens import mail_token
from storage.outbox.models import OutboxMail
from tests.support.mail import KEY, SERVER, composer

CHANGED = EmailChangedMail(UUID(int=7), days=7)
CONTENTS: list[MailContent] = [
    CHANGED,
    PasswordChangedMail(),
    ApiTokenCreatedMail("x4yZ", "READ, UPLOAD", "2026-11-30 15:30 UTC"),
    NewSignInMail("Firefox on Linux", "192.0.2.1", "30 November 2026, 15:30 UTC"),
]


def row(content: MailContent) -> OutboxMail:
    return row_of(content, "ada@example.org", "de-AT", None, [KEY])


@pytest.mark.parametrize("content", CONTENTS)
def test_a_content_comes_back_as_it_was(content: MailContent) -> None:
    stored = row(content)
    stored.params = json.loads(json.dumps(stored.params))
    assert content_of(stored) == content


@pytest.mark.parametrize("content", CONTENTS)
def test_a_row_has_no_token(content: MailContent) -> None:
    stored = row(content)
    key = key_of(stored, [KEY])
    text = composer().compose(content, stored.recipient, stored.locale, key=key).text
    everything = json.dumps([stored.params, stored.key_id, stored.recipient, stored.kind])
    for subject in (UUID(int=7), UUID(int=8)):
        token = mail_token(KEY, content.kind, subject)
        assert token not in everything
        assert (token in text) is (str(subject) in everything)


@pytest.mark.parametrize(
    "content",
    [
        RegistrationMail("123456", "ada", 10),
        PasswordResetMail("123456", 10),
        EmailChangeMail("123456", 10),
        AlreadyRegisteredMail(),
    ],
)
def test_a_mail_of_a_registration_or_with_a_code_is_never_stored(content: MailContent) -> None:
    with pytest.raises(ValueError, match="never stored"):
        row(content)


def test_every_kind_with_a_code_is_one_that_is_never_stored() -> None:
    with_code = {content for content in KINDS.values() if "code" in content.__dataclass_fields__}
    assert with_code <= {content for content in KINDS.values() if not content.may_wait}


def test_a_token_is_made_with_the_key_of_its_row() -> None:
    stored, other = row(CHANGED), SecretKey("other", b"x" * 40)
    assert key_of(stored, [other, KEY]) == KEY
    assert key_of(row(PasswordChangedMail()), []) is None


def test_a_worker_without_that_key_says_which_setting_is_wrong() -> None:
    with pytest.raises(SecretKeyMissing, match="lacks the secret key 'test': set CLOUDKEEP_SECRET_KEYS"):
        key_of(row(CHANGED), [SecretKey("other", b"x" * 40)])


@pytest.mark.parametrize("params", [{}, {"change_id": str(uuid4())}, {"days": 7, "change_id": "", "more": 1}])
def test_a_row_of_another_version_is_refused(params: dict[str, object]) -> None:
    stored = row(CHANGED)
    stored.params = params
    with pytest.raises(ValueError, match="other parameters"):
        content_of(stored)


def test_a_mail_is_composed_in_the_language_of_its_reader() -> None:
    mail = composer().compose(PasswordChangedMail(), "ada@example.org", "de-AT", mail_id=UUID(int=9))
    assert (mail.subject, mail.id) == ("Dein Passwort bei CloudKeep wurde geändert", str(UUID(int=9)))
    assert SERVER in mail.text
    assert composer().compose(PasswordChangedMail(), "ada@example.org").subject.startswith("Your")
