"""The start of a process."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize("module", ["cloudkeep.supervisor.bootstrap", "cloudkeep.cli.commands"])
def test_nothing_heavy_is_loaded_before_the_settings_are_read(module: str) -> None:
    program = f"""if True:
        import sys, {module}
        assert not sys.modules.keys() & {{"uvicorn", "starlette", "strawberry", "tortoise", "redis", "aioboto3"}}"""
    subprocess.run([sys.executable, "-c", program], check=True)


def test_the_entry_point_names_its_arguments() -> None:
    command = [sys.executable, "-m", "cloudkeep.supervisor.entrypoint", "cook"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert result.stderr.startswith("usage: python -m cloudkeep.supervisor.entrypoint api LISTENER HEARTBEAT")
