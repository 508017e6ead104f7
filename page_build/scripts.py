"""The scripts of the npm projects for developers: ``check``, ``test`` and ``dev``. Their output is shown as it is."""

import os
import subprocess
from pathlib import Path

from page_build.build import alone
from page_build.node import Node, get_node
from page_build.packages import install, scripts_of
from page_build.places import LOG, PROJECTS, WEB


def run_everywhere(script: str) -> int:
    """Run a script in every project that has it, until one fails. The exit code."""
    for project in PROJECTS.values():
        if script in scripts_of(project) and (code := run_script(script, project)):
            return code
    return 0


def run_script(script: str, project: Path = WEB) -> int:
    """Run a script of a project, with its packages for development. The exit code.

    Raises :class:`page_build.process.BuildFailed`.
    """
    with alone():
        LOG.unlink(missing_ok=True)
        node = get_node()
        install(node, project, with_dev=True)
    return _show(node, project, script)


def _show(node: Node, project: Path, script: str) -> int:
    command = [*node.npm, "--loglevel=error", "run", script]
    return subprocess.run(command, cwd=project, env={**os.environ, "PATH": node.path()}, check=False).returncode
