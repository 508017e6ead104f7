"""A checkout with this build of the page, two small projects, and programs that stand in for Node and npm."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOCK: dict[str, dict[str, dict[str, object]]] = {
    "packages": {"": {}, "node_modules/a": {"integrity": "1"}, "node_modules/b": {"integrity": "2", "dev": True}}
}
PACKAGE = {"scripts": {"build": "build", "check": "check"}}
NODE = """#!/bin/sh
if [ "$1" = --version ]; then echo "${FAKE_VERSION:-v24.1.0}"; fi
"""
#: It does what the environment says: fails, hangs, or does its work.
NPM = """#!/bin/sh
echo "$(basename "$PWD") $*" >> "$CALLS"
echo 'npm warn Unknown user config "nodedir". This will stop working.'
echo "$FAKE_OUTPUT"
if [ -n "$FAKE_SECONDS" ]; then echo $$ > "$CALLS.pid"; sleep "$FAKE_SECONDS"; fi
if [ -n "$FAKE_CODE" ]; then exit "$FAKE_CODE"; fi
case "$*" in
ci*--omit=dev*) mkdir -p node_modules; echo "$WITHOUT_DEV" > node_modules/.package-lock.json ;;
ci*) mkdir -p node_modules; cp package-lock.json node_modules/.package-lock.json ;;
*"run build"*) mkdir -p "$5/assets"; cat source.txt > "$5/index.html"; echo x > "$5/assets/$(cat source.txt).js" ;;
esac
"""


@dataclass(frozen=True)
class Checkout:
    """The folder, and how to run the build in it."""

    root: Path

    @property
    def web(self) -> Path:
        """The folder of the sources."""
        return self.root / "web"

    @property
    def dist(self) -> Path:
        """The build."""
        return self.web / "dist"

    @property
    def log(self) -> str:
        """The log of the last build."""
        return (self.web / ".build" / "log.txt").read_text()

    @property
    def calls(self) -> list[str]:
        """What npm was asked for, without the options: the project, the command and the script; and no pings."""
        calls = self.root / "calls"
        lines = calls.read_text().splitlines() if calls.exists() else []
        return [
            " ".join(word for word in line.split() if word[0] != "-" and "/" not in word)
            for line in lines
            if " ping " not in line
        ]

    def write(self, name: str, text: str) -> None:
        """Write a source."""
        path = self.web / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def add_project(self, folder: str) -> None:
        """Write an npm project."""
        self.write(f"{folder}/package.json", json.dumps(PACKAGE))
        self.write(f"{folder}/package-lock.json", json.dumps(LOCK))
        self.write(f"{folder}/source.txt", "first")

    def start(
        self, *arguments: str, python: str = sys.executable, ignored: str = "", **variables: str
    ) -> "subprocess.Popen[str]":
        """Start the build; ``ignored`` is a signal that it is started with as ignored."""
        ours = {
            "PATH": f"{self.root}/bin:/usr/bin:/bin",
            "CALLS": str(self.root / "calls"),
            "WITHOUT_DEV": json.dumps({"packages": {"node_modules/a": LOCK["packages"]["node_modules/a"]}}),
        }
        trap = f"trap '' {ignored}; " if ignored else ""
        return subprocess.Popen(
            ["sh", "-c", f'{trap}exec "$@"', "sh", python, "-m", "page_build", *arguments],
            cwd=self.root,
            env={**os.environ, **ours, **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *arguments: str, python: str = sys.executable, **variables: str) -> tuple[int, list[str]]:
        """The exit code, and the lines of the terminal."""
        process = self.start(*arguments, python=python, **variables)
        printed, _ = process.communicate(timeout=60)
        return process.returncode, printed.splitlines()


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """A checkout with one project."""
    made = Checkout(tmp_path)
    shutil.copytree(ROOT / "page_build", tmp_path / "page_build", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "schema").mkdir()
    (tmp_path / "schema" / "schema.graphql").write_text("type Query { a: Int }")
    (tmp_path / "bin").mkdir()
    for name, script in {"node": NODE, "npm": NPM}.items():
        (tmp_path / "bin" / name).write_text(script)
        (tmp_path / "bin" / name).chmod(0o755)
    made.add_project(".")
    return made
