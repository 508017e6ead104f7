"""A template of the operator's that cannot be used stops every start with one line."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cloudkeep.resources.mail import load_mail_templates
from cloudkeep.settings.preflight import StartupError
from cloudkeep.settings.settings import Settings
from services.mail.kinds import MailKind
from tests.support.process import free_port

WRONG = "Subject: Hello\n\n{{ code }}\n{{ cod }}\n"


def run(command: str, working: Path, **settings: str) -> "subprocess.CompletedProcess[str]":
    """Run a command in a working directory, to its end."""
    given = {"DATA_DIR": str(working / "data"), "PORT": str(free_port()), **settings}
    environment = {**os.environ, **{f"CLOUDKEEP_{name}": value for name, value in given.items()}}
    arguments = [sys.executable, "-m", "cloudkeep", command]
    return subprocess.run(
        arguments, env=environment, cwd=working, capture_output=True, text=True, timeout=60, check=False
    )


def wrong_template(tmp_path: Path) -> Path:
    path = tmp_path / "mails" / "de" / "registration.txt"
    path.parent.mkdir(parents=True)
    path.write_text(WRONG)
    return path


def expected(path: Path) -> str:
    reason = "line 4: unknown variable 'cod'; there are code, minutes, server, user_id"
    return f"cloudkeep: CLOUDKEEP_MAIL_TEMPLATES: {path}, {reason}\n"


def test_a_wrong_template_ends_the_start_of_a_server_with_one_line(tmp_path: Path) -> None:
    path = wrong_template(tmp_path)
    result = run("serve", tmp_path, MAIL_TEMPLATES=str(tmp_path / "mails"))
    assert (result.returncode, result.stdout, result.stderr) == (2, "", expected(path))


def test_a_wrong_template_ends_the_start_of_a_worker_with_one_line(tmp_path: Path) -> None:
    path = wrong_template(tmp_path)
    result = run("worker", tmp_path, MAIL_TEMPLATES=str(tmp_path / "mails"), REDIS_URL="redis://127.0.0.1:9")
    assert (result.returncode, result.stderr) == (2, expected(path))


def test_a_wrong_file_in_the_working_directory_ends_the_start_with_one_line(tmp_path: Path) -> None:
    path = tmp_path / "config" / "registerEmailTemplate.json"
    path.parent.mkdir()
    path.write_text('{\n  "subject": "Welcome",\n  "text": "Hello"\n}')
    result = run("serve", tmp_path)
    reason = "line 3: has the unknown key 'text'; the keys are 'subject' and 'body'"
    line = f"cloudkeep: CLOUDKEEP_MAIL_TEMPLATES: {path}, {reason}\n"
    assert (result.returncode, result.stderr) == (2, line)


@pytest.mark.parametrize("locale", ["de_DE", "../etc", "d" * 36, "d"])
def test_a_locale_that_is_no_language_tag_ends_the_start(tmp_path: Path, locale: str) -> None:
    result = run("serve", tmp_path, LOCALE=locale)
    assert result.returncode == 2
    assert result.stderr.startswith("cloudkeep: CLOUDKEEP_LOCALE: must be a language tag, such as en or de-AT, not ")


def test_a_missing_folder_names_the_setting(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, mail_templates=tmp_path / "tpyo")
    with pytest.raises(StartupError, match=r"^CLOUDKEEP_MAIL_TEMPLATES: there is no folder .*/tpyo$"):
        load_mail_templates(settings)


def test_the_locale_of_the_settings_is_the_default_language(tmp_path: Path) -> None:
    templates = load_mail_templates(Settings(data_dir=tmp_path, locale="de-AT"))
    subject = templates.find(MailKind.PASSWORD_CHANGED, None).render({"server": ""}).subject
    assert subject == "Dein Passwort bei CloudKeep wurde geändert"


def test_a_process_starts_although_its_working_directory_was_deleted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As by an update that replaces the folder of a running server, which then starts a child again."""
    deleted = tmp_path / "deleted"
    deleted.mkdir()
    monkeypatch.chdir(deleted)
    settings = Settings(data_dir=tmp_path)
    deleted.rmdir()
    load_mail_templates(settings)
