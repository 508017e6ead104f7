"""The command line of accounts with a server as ``make run`` starts it."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.process import ServeProcess, cloudkeep, serving
from tests.support.server import PASSWORD

PATIENCE = 60.0


def register(process: ServeProcess, user_id: str, *arguments: str) -> None:
    """Run ``cloudkeep register`` as a script does, with the code that the server prints."""
    options = ["--name", "A Person", "--email", f"{user_id}@example.org", "--url", process.url, "--password-stdin"]
    running = subprocess.Popen(
        [sys.executable, "-m", "cloudkeep", "register", user_id, *options, *arguments],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert running.stdin
    running.stdin.write(f"{PASSWORD}\n")
    running.stdin.flush()
    _, errors = running.communicate(f"{process.otp()}\n", timeout=PATIENCE)
    assert running.returncode == 0, errors


@pytest.fixture(autouse=True)
def _own_credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the credentials of the tests apart from those of the developer."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")


def test_a_disabled_account_is_signed_out_and_an_invitation_admits_another(tmp_path: Path, empty_database: str) -> None:
    place = {"DATA_DIR": str(tmp_path / "data"), "DATABASE_URL": empty_database}
    with serving(tmp_path / "data", CLOUDKEEP_DATABASE_URL=empty_database, CLOUDKEEP_REGISTRATION="invite") as process:
        invitation = cloudkeep("admin", "invite", "--admin", **place).stdout.strip()
        register(process, "grace", "--invitation", invitation)
        assert cloudkeep("whoami").returncode == 0
        assert "used by grace" in cloudkeep("admin", "invitations", **place).stdout

        disabled = cloudkeep("admin", "disable", "grace", **place)
        assert disabled.stdout == "grace is disabled, and its sessions have ended.\n"
        deadline = time.monotonic() + PATIENCE
        while (ended := cloudkeep("whoami")).returncode == 0:
            assert time.monotonic() < deadline
        assert "the session of grace" in ended.stderr
        assert cloudkeep("admin", "enable", "grace", **place).returncode == 0
        row = cloudkeep("admin", "list", **place).stdout.splitlines()[1]
        assert row.startswith("grace    grace@example.org  ")
        assert row.endswith("  yes    -         0 bytes  53.7 GB")
