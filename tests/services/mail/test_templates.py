"""The templates of a server: built in, and the operator's files in their place."""

import os
import re
from collections.abc import Callable
from html import unescape
from pathlib import Path

import pytest

from services.mail.errors import MailTemplateError
from services.mail.kinds import KINDS, MailKind
from services.mail.template import samples
from services.mail.template_files import LARGEST_FILE
from services.mail.template_folders import TemplateFolders
from services.mail.templates import BUILT_IN, MailTemplates, load_templates

Write = Callable[[str, str | bytes], Path]
VALUES: dict[str, str | int] = {
    "code": "123456",
    "user_id": "ada",
    "minutes": 10,
    "server": "https://drive.example.org",
}
REGISTRATION = "Subject: Hallo {{ user_id }}\n\nDein Code: {{ code }}\n"


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a file into a folder of the operator's."""

    def write(name: str, content: str | bytes) -> Path:
        path = tmp_path / "own" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def loaded(tmp_path: Path, default_locale: str = "en") -> MailTemplates:
    return load_templates(TemplateFolders(tmp_path / "own", tmp_path), default_locale)


def subject(templates: MailTemplates, locale: str | None, kind: MailKind = MailKind.REGISTRATION) -> str:
    values = {**next(samples(KINDS[kind])), **VALUES}
    return templates.find(kind, locale).render(values).subject


def fault(tmp_path: Path) -> str:
    with pytest.raises(MailTemplateError) as error:
        loaded(tmp_path)
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("kind", MailKind)
def test_every_mail_is_built_in_with_the_same_words_in_text_and_html(language: str, kind: MailKind) -> None:
    assert (BUILT_IN / language / f"{kind}.txt").is_file()
    for values in samples(KINDS[kind]):
        rendered = load_templates(TemplateFolders()).find(kind, language).render(values)
        assert rendered.html
        assert rendered.html.startswith(f'<!doctype html>\n<html lang="{language}">')
        body = re.sub(r"<[^>]+>", " ", rendered.html.partition("<body")[2].partition(">")[2])
        words = re.sub(r"\n-- \n", "\n", rendered.text).split()
        assert unescape(body).split() == words
        assert str(values["server"]) in rendered.text


@pytest.mark.parametrize("language", ["en", "de"])
def test_every_mail_says_what_to_do_if_it_was_not_its_reader(language: str) -> None:
    advice = {"en": "If it was not you: ", "de": "Falls du es nicht warst: "}[language]
    for kind in set(MailKind) - {MailKind.INVITATION}:
        values = next(samples(KINDS[kind]))
        assert advice in load_templates(TemplateFolders()).find(kind, language).render(values).text


@pytest.mark.parametrize(("minutes", "words"), [(1, "for 1 minute."), (10, "for 10 minutes.")])
def test_a_number_has_its_noun(minutes: int, words: str) -> None:
    template = load_templates(TemplateFolders()).find(MailKind.REGISTRATION, "en")
    assert words in template.render(VALUES | {"minutes": minutes}).text


def test_a_file_of_the_operator_replaces_one_mail_of_one_language(tmp_path: Path, write: Write) -> None:
    write("de/registration.txt", REGISTRATION)
    templates = loaded(tmp_path)
    assert subject(templates, "de-AT") == "Hallo ada"
    assert subject(templates, "en") == "123456 is your CloudKeep code"
    assert subject(templates, "de", MailKind.PASSWORD_CHANGED).startswith("Dein Passwort")


def test_a_text_of_the_operator_is_not_sent_with_the_built_in_html(tmp_path: Path, write: Write) -> None:
    write("de/registration.txt", REGISTRATION)
    assert loaded(tmp_path).find(MailKind.REGISTRATION, "de").render(VALUES).html is None
    write("de/registration.html", "<p>{{ code }}</p>")
    assert loaded(tmp_path).find(MailKind.REGISTRATION, "de").render(VALUES).html == "<p>123456</p>"


def test_html_of_the_operator_alone_keeps_the_built_in_text(tmp_path: Path, write: Write) -> None:
    write("en/registration.html", "<p>{{ code }}</p>")
    rendered = loaded(tmp_path).find(MailKind.REGISTRATION, "en").render(VALUES)
    assert rendered.html == "<p>123456</p>"
    assert rendered.text.startswith("Welcome")


def test_an_operator_can_add_a_language_and_make_it_the_default(tmp_path: Path, write: Write) -> None:
    write("pt-BR/registration.txt", "Subject: Seu código\n\n{{ code }}\n")
    templates = loaded(tmp_path, default_locale="pt-BR")
    assert subject(templates, None) == subject(templates, "fr") == "Seu código"
    assert subject(templates, "de") == "123456 ist dein Code für CloudKeep"
    assert subject(templates, None, MailKind.PASSWORD_CHANGED) == "Your CloudKeep password was changed"


def test_other_files_in_the_folder_do_not_matter(tmp_path: Path, write: Write) -> None:
    for name in ("README.md", "notes.txt", ".git/x.txt", "..data/registration.txt", "de/logo.png", "de/.swp.txt"):
        write(name, "{{")
    assert subject(loaded(tmp_path), "de") == "123456 ist dein Code für CloudKeep"


def test_line_ends_and_marks_of_other_systems_do_not_matter(tmp_path: Path, write: Write) -> None:
    write("de/registration.txt", b"\xef\xbb\xbf" + REGISTRATION.replace("\n", "\r\n").encode())
    rendered = loaded(tmp_path).find(MailKind.REGISTRATION, "de").render(VALUES)
    assert (rendered.subject, rendered.text) == ("Hallo ada", "Dein Code: 123456\n")


@pytest.mark.parametrize(
    ("content", "line", "reason"),
    [
        ("Subject: a\n\n{{ code }}\n\n{% if %}", 5, "Expected an expression"),
        ("Subject: a\n\n{{ code }}\n{{ cod }}", 4, "unknown variable 'cod'; there are code, minutes, server, user_id"),
        ("Subject: {{ cod }}\n\n{{ code }}", 1, "unknown variable 'cod'"),
        ("Subject: {{ 'a' * 9 }}\n\n{{ code }}", 1, "cannot be used"),
        ("Subject: a\n\n{{ code }}\n{{ 'a' * 10**9 }}", 4, "'mul' cannot be used in a template of a mail"),
        ("Subject: {{ 'a\\nBcc: b' }}\n\n{{ code }}", 1, "the subject must be one line"),
        ("Subject: a\n b\n\n{{ code }}", 2, "a subject is one line"),
        ("Subject: {{ ' ' }}\n\n{{ code }}", 1, "the subject must be one line"),
        ("Subject: " + "a" * 251 + "\n\n{{ code }}", 1, "1 to 250 characters"),
        ("Subject:\n\n{{ code }}", 1, "the first line must be 'Subject: '"),
        ("Dear {{ user_id }}\n\n{{ code }}", 1, "the first line must be 'Subject: '"),
        ("", 1, "the first line must be 'Subject: '"),
        ("Subject: a\n\n \n", 3, "there must be a text"),
        ("Subject: a\n\nWelcome!\n", 1, "the mail must contain {{ code }}"),
        ("Subject: {{ code }}\n\nWelcome!\n", 1, "the mail must contain {{ code }}"),
        ("Subject: a\n\n{% if minutes == 7 %}{{ code }}{% endif %}", 1, "the mail must contain {{ code }}"),
        (b"Subject: a\n\n{{ code }}\n\xff", 4, "not in UTF-8"),
        (b"Subject: a\n\n{{ code }}\nGr\xfc\xdfe", 4, "not in UTF-8"),
        (b"Subject: a\n\n{{ code }}\n\x00", 4, "the character '\\x00' cannot be in a mail"),
        ("Subject: a\n\n{{ code }}" + "\n" * LARGEST_FILE, LARGEST_FILE - 19, "larger than 65536 bytes"),
    ],
)
def test_a_wrong_text_is_named_with_file_and_line(
    tmp_path: Path, write: Write, content: str | bytes, line: int, reason: str
) -> None:
    path = write("de/registration.txt", content)
    message = fault(tmp_path)
    assert message.startswith(f"{path}, line {line}: ")
    assert reason in message


@pytest.mark.parametrize(
    ("content", "line", "reason"),
    [
        ("<p>\n{{ cod }}", 2, "unknown variable"),
        ("<p>\n{{ code|safe }}", 2, "unknown filter 'safe'"),
        ("<p>Welcome!</p>", 1, "the mail must contain {{ code }}"),
        (b"<p>\n\xff", 2, "not in UTF-8"),
    ],
)
def test_wrong_html_is_named_with_file_and_line(
    tmp_path: Path, write: Write, content: str | bytes, line: int, reason: str
) -> None:
    path = write("de/registration.html", content)
    assert fault(tmp_path).startswith(f"{path}, line {line}: ")
    assert reason in fault(tmp_path)


def test_a_misspelt_name_is_refused_with_the_right_one(tmp_path: Path, write: Write) -> None:
    path = write("de/registraton.txt", REGISTRATION)
    assert fault(tmp_path) == f"{path} is the template of no mail; did you mean registration?"


def test_html_without_a_text_is_refused(tmp_path: Path, write: Write) -> None:
    path = write("fr/registration.html", "{{ code }}")
    assert fault(tmp_path) == f"{path} needs a registration.txt beside it"


def test_two_folders_of_one_language_are_refused(tmp_path: Path, write: Write) -> None:
    write("de/registration.txt", REGISTRATION)
    write("DE/registration.txt", REGISTRATION)
    assert "are the same template" in fault(tmp_path)


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    assert fault(tmp_path) == f"there is no folder {tmp_path / 'own'}"
    (tmp_path / "own").write_text("")
    assert fault(tmp_path) == f"{tmp_path / 'own'} is not a folder"


@pytest.mark.skipif(os.geteuid() == 0, reason="root can read everything")
def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path, write: Write) -> None:
    path = write("de/registration.txt", REGISTRATION)
    path.chmod(0)
    assert fault(tmp_path) == f"{path} cannot be read: Permission denied"


def test_a_folder_with_the_name_of_a_template_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "own" / "de" / "registration.txt"
    path.mkdir(parents=True)
    assert fault(tmp_path) == f"{path} cannot be read: Is a directory"


def test_hostile_values_break_neither_the_subject_nor_the_size(tmp_path: Path) -> None:
    template = load_templates(TemplateFolders()).find(MailKind.REGISTRATION, "en")
    hostile = {"code": "=?utf-8?q?=0A?=\r\nBcc: eve@example.org\u2028", "user_id": "\ud800<b>" + "x" * 10**6}
    rendered = template.render(VALUES | hostile)
    assert rendered.subject == "= ?utf-8?q?=0A?=  Bcc: eve@example.org  is your CloudKeep code"
    assert len(rendered.text) < 2_000
    assert "<b>" in rendered.text
    assert "&lt;b&gt;" in (rendered.html or "")
    (rendered.text + (rendered.html or "")).encode()


def test_a_server_without_files_of_its_own_is_recognised(tmp_path: Path) -> None:
    assert not TemplateFolders(None, tmp_path).has_files()
    assert TemplateFolders(tmp_path, None).has_files()
