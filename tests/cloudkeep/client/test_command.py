"""What the commands of the client share."""

import sys
from pathlib import Path

import pytest

from cloudkeep.client.command import program_name


def test_the_program_has_the_name_by_which_a_shell_finds_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / ".venv/bin/cloudkeep"
    script.parent.mkdir(parents=True)
    script.touch(mode=0o755)
    monkeypatch.setattr(sys, "prefix", str(tmp_path / ".venv"))
    monkeypatch.setenv("PATH", "/nowhere")
    assert program_name() == str(script)
    monkeypatch.chdir(tmp_path)
    assert program_name() == ".venv/bin/cloudkeep"
    monkeypatch.setenv("PATH", str(script.parent))
    assert program_name() == "cloudkeep"
