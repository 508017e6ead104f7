"""The sources of the page with the npm packages that its lock names, and a server for their tests."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from bench.harness import npm

HERE = Path(__file__).parent
WEB = HERE.parents[1] / "web"
PATIENCE_SECONDS = 300
ONE_SCRIPT = ("--format=iife", "--name=client", "--no-code-splitting")
#: A test that hangs shows where.
TEST_SECONDS = 60
TIMEOUTS = (f"--testTimeout={TEST_SECONDS * 1000}", f"--hookTimeout={TEST_SECONDS * 1000}")


@dataclass(frozen=True)
class Sources:
    """A copy of the sources of the client, which its tools run from."""

    folder: Path

    def vitest(self, tests: str, **environment: str) -> None:
        """Run the tests whose paths contain this text."""
        self._run("vitest/vitest.mjs", "run", tests, "--root", str(self.folder), *TIMEOUTS, **environment)

    def bundle(self) -> str:
        """The client as one script, which makes it the global `client`."""
        script = self.folder / "client.js"
        entry = str(self.folder / "client" / "src" / "index.ts")
        self._run("rolldown/bin/cli.mjs", entry, *ONE_SCRIPT, f"--file={script}")
        return script.read_text()

    def _run(self, program: str, *arguments: str, **environment: str) -> None:
        ended = subprocess.run(
            [npm.node(), str(self.folder / "node_modules" / program), *arguments],
            env={**os.environ, **environment, "NO_COLOR": "1"},
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr


@pytest.fixture(scope="session")
def web(tmp_path_factory: pytest.TempPathFactory) -> Sources:
    """The sources of the client. They are copied, so that they find the packages that belong to the lock."""
    root = tmp_path_factory.mktemp("sources")
    packages = _packages(root / "packages")
    folder = root / "web"
    folder.mkdir()
    shutil.copytree(WEB.parent / "schema", root / "schema", ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    (folder / "node_modules").symlink_to(packages / "node_modules")
    shutil.copy(WEB / "tsconfig.json", folder)
    shutil.copytree(WEB / "client", folder / "client", ignore=shutil.ignore_patterns("node_modules"))
    return Sources(folder)


def _packages(project: Path) -> Path:
    """The folder with the packages of the lock, which other files of the page do not change."""
    project.mkdir()
    for name in ("package.json", "package-lock.json"):
        shutil.copy(WEB / name, project)
    return npm.install(project, HERE / ".cache")
