"""The JSON file of the program that CloudKeep descends from."""

import json
from pathlib import Path

import pytest

from services.mail.errors import MailTemplateError
from services.mail.kinds import MailKind
from services.mail.template_folders import ANCESTOR_NAMES, TemplateFolders
from services.mail.templates import load_templates

VALUES: dict[str, str | int] = {
    "code": "123456",
    "user_id": "ada",
    "minutes": 10,
    "server": "https://drive.example.org",
}
TEMPLATE = {"subject": "Welcome {{name}} 100% {0} {% if %}", "body": "Hi {user}, %s %(x)s {{ code }}\r\n<b>ü</b>\n\n"}


def file_in(folder: Path, content: str | bytes, name: str = ANCESTOR_NAMES[0]) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def folders(tmp_path: Path, own: Path | None = None) -> TemplateFolders:
    return TemplateFolders(own, tmp_path)


@pytest.mark.parametrize("name", ANCESTOR_NAMES)
@pytest.mark.parametrize("place", ["config", "own"])
def test_it_is_sent_as_it_is_with_the_code_on_a_line_below(tmp_path: Path, name: str, place: str) -> None:
    file_in(tmp_path / place, json.dumps(TEMPLATE), name)
    where = folders(tmp_path, tmp_path / "own" if place == "own" else None)
    assert where.has_files()
    for locale in (None, "de", "fr"):
        rendered = load_templates(where).find(MailKind.REGISTRATION, locale).render(VALUES)
        assert rendered.subject == TEMPLATE["subject"]
        assert rendered.text == "Hi {user}, %s %(x)s {{ code }}\n<b>ü</b>\n\n123456\n"
        assert rendered.html is None


def test_the_folder_of_the_settings_comes_before_the_working_directory(tmp_path: Path) -> None:
    file_in(tmp_path / "config", json.dumps({"subject": "old", "body": ""}))
    file_in(tmp_path / "own", json.dumps({"subject": "new", "body": ""}), ANCESTOR_NAMES[1])
    rendered = load_templates(folders(tmp_path, tmp_path / "own")).find(MailKind.REGISTRATION, "en").render(VALUES)
    assert (rendered.subject, rendered.text) == ("new", "\n\n123456\n")


def test_a_template_of_a_language_comes_before_it(tmp_path: Path) -> None:
    file_in(tmp_path / "own", json.dumps(TEMPLATE))
    file_in(tmp_path / "own" / "de", "Subject: Hallo\n\n{{ code }}", "registration.txt")
    templates = load_templates(folders(tmp_path, tmp_path / "own"))
    assert templates.find(MailKind.REGISTRATION, "de").render(VALUES).subject == "Hallo"
    assert templates.find(MailKind.REGISTRATION, "en").render(VALUES).subject == TEMPLATE["subject"]


def test_two_files_in_one_folder_are_refused(tmp_path: Path) -> None:
    for name in ANCESTOR_NAMES:
        file_in(tmp_path / "config", json.dumps(TEMPLATE), name)
    with pytest.raises(MailTemplateError, match="are both there: remove one of them"):
        load_templates(folders(tmp_path))


@pytest.mark.parametrize(
    ("content", "line", "reason"),
    [
        ('{\n"subject": "a"\n"body": "b"}', 3, "is not JSON"),
        ("", 1, "is not JSON"),
        ('{\n"subject": "a",\n"bodi": "b"}', 3, "has the unknown key 'bodi'"),
        ('{\n"subject": "a"}', 1, "lacks the key 'body'"),
        ('{\n"subject": "a",\n"body": 5}', 3, "'body' must be a text"),
        ('{\n"subject": "a\\nb",\n"body": "b"}', 2, "the subject must be one line"),
        ('{\n"subject": "a\\u0000b",\n"body": "b"}', 2, "'subject' has a character that cannot be in a mail"),
        ('{\n"subject": "",\n"body": "b"}', 2, "the subject must be one line"),
        ('{\n"subject": "a",\n"body": "\\ud800"}', 3, "'body' has a character that cannot be in a mail"),
        ('{\n"subject": "a",\n"body": "b", "body": "c"}', 1, "must be an object"),
        ('["subject"]', 1, "must be an object"),
        ("[" * 60_000, 1, "must be an object"),
        ('{"subject": ' + "9" * 10_000 + "}", 1, "must be an object"),
        (b'{\n"subject": "a",\n"body": "\xff"}', 3, "not in UTF-8"),
        (b"\n" * 70_000, 65_537, "larger than"),
    ],
)
def test_a_wrong_file_is_named_with_its_line(tmp_path: Path, content: str | bytes, line: int, reason: str) -> None:
    path = file_in(tmp_path / "config", content)
    with pytest.raises(MailTemplateError) as error:
        load_templates(folders(tmp_path))
    assert str(error.value).startswith(f"{path}, line {line}: ")
    assert reason in str(error.value)
    assert "\n" not in str(error.value)
