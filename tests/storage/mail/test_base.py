"""A mail that could smuggle a header or a second recipient cannot be made."""

import pytest

from storage.mail import Mail


@pytest.mark.parametrize(
    "address",
    [
        "ada@example.org\nBcc: eve@example.org",
        "ada@example.org\r\nRCPT TO:<eve@example.org>",
        "ada@example.org\u2028Bcc: eve@example.org",
        "ada@example.org\x85Bcc",
        "ada@example.org, eve@example.org",
        "ada@example.org> SIZE=1",
        "Ada <ada@example.org>",
        '"ada eve"@example.org',
        "=?utf-8?q?ada=0ABcc:eve?=@example.org",
        "ada..lovelace@example.org",
        "ada@",
        "@example.org",
        "ada",
        "",
        "ada\0@example.org",
        "ada\ud800@example.org",
        "a" * 250 + "@example.org",
    ],
)
def test_a_mail_to_anything_but_one_bare_address_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="one bare address"):
        Mail(address, "Hello", "text")


@pytest.mark.parametrize(
    "subject",
    ["Hi\nBcc: eve@example.org", "Hi\r\n\r\nbody", "Hi\rX: 1", "Hi\u2028X: 1", "Hi\x1cX: 1", "=?utf-8?q?Hi=0AX:_1?="],
)
def test_a_subject_that_could_become_two_headers_is_refused(subject: str) -> None:
    with pytest.raises(ValueError, match="subject"):
        Mail("ada@example.org", subject, "text")


def test_a_text_that_is_not_unicode_is_refused() -> None:
    with pytest.raises(UnicodeEncodeError):
        Mail("ada@example.org", "Hello", "\ud800")


@pytest.mark.parametrize(
    "address", ["ada@example.org", "ada+drive@mail.example.org", "o'neil@b.org", "jürgen@bücher.example"]
)
def test_a_bare_address_is_taken(address: str) -> None:
    assert Mail(address, "Hello", "text").to == address


@pytest.mark.parametrize("mail_id", ["", "a b", "a@b", "a>", "é", "a\r\nBcc: eve@example.org", "a" * 65])
def test_an_id_that_could_break_the_message_id_is_refused(mail_id: str) -> None:
    with pytest.raises(ValueError, match="ID of a mail"):
        Mail("ada@example.org", "Subject", "text", id=mail_id)


def test_html_that_cannot_be_written_as_utf_8_is_refused() -> None:
    with pytest.raises(UnicodeEncodeError):
        Mail("ada@example.org", "Subject", "text", html="\ud800")
