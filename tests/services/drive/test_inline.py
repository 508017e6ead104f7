"""Which files a browser may show."""

import pytest

from services.drive import inline
from services.drive.inline import inline_type
from storage.drive.file_kinds import file_kind
from storage.drive.models import FileKind


@pytest.mark.parametrize(
    "mime_type",
    [
        "text/html",
        "application/xhtml+xml",
        "image/svg+xml",
        "text/xml",
        "application/xml",
        "application/rss+xml",
        "text/javascript",
        "application/javascript",
        "text/css",
        "text/x-php",
        "multipart/related",
        "message/rfc822",
        "audio/x-mpegurl",
        "application/vnd.apple.mpegurl",
        "application/json",
        "application/octet-stream",
        "application/zip",
        "video/x-unknown",
        "image/x-unknown",
        "",
    ],
)
def test_what_a_browser_might_run_or_does_not_know_is_not_shown(mime_type: str) -> None:
    """The list names what is safe, and not what is dangerous."""
    assert inline_type(mime_type) is None


@pytest.mark.parametrize("mime_type", ["image/png", "audio/ogg", "video/mp4", "application/pdf"])
def test_what_is_safe_is_shown_under_its_own_type(mime_type: str) -> None:
    """No browser guesses another one."""
    assert inline_type(mime_type) == mime_type


@pytest.mark.parametrize("mime_type", ["text/plain", "text/markdown", "text/csv", "text/x-python"])
def test_texts_are_shown_as_plain_text(mime_type: str) -> None:
    """With the encoding, which browsers would guess."""
    assert inline_type(mime_type) == "text/plain; charset=utf-8"


def test_every_type_of_the_list_is_of_its_kind() -> None:
    """So that a slip of the keyboard shows nothing else."""
    assert {file_kind(each) for each in inline._PICTURES} == {FileKind.IMAGE}
    assert {file_kind(each) for each in inline._MEDIA} == {FileKind.AUDIO, FileKind.VIDEO}
    assert {file_kind(each) for each in inline._TEXTS} == {FileKind.DOCUMENT}
    assert not any("xml" in each or "html" in each or "script" in each for each in inline._PICTURES | inline._MEDIA)
