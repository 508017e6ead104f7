"""Help, the version and usage errors of the command line."""

import pytest
import typer
from typer.testing import CliRunner

from cloudkeep import __version__
from cloudkeep.cli.main import app

COMMANDS = list(typer.main.get_group(app).commands)


def test_without_a_command_it_prints_all_of_them() -> None:
    result = CliRunner().invoke(app, [])
    assert result.exit_code == 2
    assert "Start a server with `cloudkeep serve`" in " ".join(result.output.split())
    assert "..." not in result.output.partition("Commands:")[2]
    assert [name for name in COMMANDS if f"  {name} " not in result.output] == []


def test_the_first_commands_are_those_that_a_newcomer_needs() -> None:
    assert COMMANDS[:3] == ["serve", "demo", "upload"]


@pytest.mark.parametrize("arguments", [["--version"], ["version"]])
def test_the_version_is_an_option_and_a_command(arguments: list[str]) -> None:
    result = CliRunner().invoke(app, arguments)
    assert (result.exit_code, result.output) == (0, f"CloudKeep {__version__}\n")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str) -> None:
    result = CliRunner().invoke(app, [command, "--help"])
    assert result.exit_code == 0
    assert result.output.startswith(f"Usage: cloudkeep {command}")


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["uplaod"], "Error: No such command 'uplaod'. Did you mean 'upload'?"),
        (["upload"], "Error: Missing argument 'FILE'."),
        (["upload", "file", "--parallel", "many"], "Error: Invalid value for '--parallel'"),
        (["serve", "--prot"], "Error: No such option: --prot"),
    ],
)
def test_wrong_usage_ends_with_one_line_that_names_it_and_exit_code_2(arguments: list[str], error: str) -> None:
    result = CliRunner().invoke(app, arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.splitlines()[-1].startswith(error)
