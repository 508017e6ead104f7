"""The start of a server process."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize("module", ["cloudkeep.supervisor.bootstrap", "cloudkeep.cli.commands"])
def test_large_packages_are_not_imported_before_the_settings_are_read(module: str) -> None:
    program = f"""if True:
        import sys, {module}
        assert not sys.modules.keys() & {{"uvicorn", "starlette", "strawberry", "tortoise", "redis", "aioboto3"}}"""
    subprocess.run([sys.executable, "-c", program], check=True)


def test_the_entry_point_prints_its_usage() -> None:
    command = [sys.executable, "-m", "cloudkeep.supervisor.entrypoint", "cook"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert result.stderr.startswith("usage: python -m cloudkeep.supervisor.entrypoint api LISTENER HEARTBEAT")
