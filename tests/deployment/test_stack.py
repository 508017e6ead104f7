"""The whole stack of docker-compose.yml on this machine's programs: ``make compose-check``."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.deployment.inside import APIS, ROOT
from tests.deployment.test_files import make_env

NAMES = {"postgres": "127.0.0.1", "valkey": "127.0.0.1", "seaweedfs": "127.0.0.1", "mailpit": "127.0.0.1"}

# Bound over /etc/hosts, the names of the services lead to this network's addresses.
_ENTER = """
ip link set lo up
for address in 172.31.254.2 $APIS; do ip address add "$address/24" dev lo; done
mount --bind "$1/hosts" /etc/hosts
exec "$PYTHON" -m tests.deployment.inside "$1"
"""

pytestmark = pytest.mark.skipif("COMPOSE_CHECK" not in os.environ, reason="make compose-check runs the stack")


def test_the_stack_takes_uploads_from_registration_to_download_before_and_after_an_upgrade(tmp_path: Path) -> None:
    assert make_env(tmp_path).returncode == 0
    names = [("127.0.0.1", "localhost"), *((address, name) for name, address in NAMES.items())]
    names += [(address, "api") for address in APIS]
    (tmp_path / "hosts").write_text("".join(f"{address} {name}\n" for address, name in names))
    spaces = ["unshare", "--user", "--map-root-user", "--net", "--mount", "--pid", "--fork", "--kill-child"]
    if subprocess.run([*spaces, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this machine gives its users no namespaces of their own")
    done = subprocess.run(
        [*spaces, "sh", "-ec", _ENTER, "sh", tmp_path],
        cwd=ROOT,
        env={**os.environ, "PYTHON": sys.executable, "APIS": " ".join(APIS)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
