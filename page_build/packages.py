"""The npm packages of a project: installed by its lock, unless they are there already."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from page_build.node import Node
from page_build.places import LOG
from page_build.process import BuildFailed, ProgramFailed, run

#: No package's script runs. A registry that does not answer is asked twice more, so that an end is in sight.
_OPTIONS = ("--ignore-scripts", "--no-audit", "--no-fund", "--logs-max=0", "--no-update-notifier")
_PATIENCE = (
    "--fetch-retries=2",
    "--fetch-retry-mintimeout=1000",
    "--fetch-retry-maxtimeout=5000",
    "--fetch-timeout=60000",
)
_NETWORK = re.compile(r"\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|ERR_SOCKET_TIMEOUT)\b")


class RegistryAway(BuildFailed):
    """npm has not reached its registry."""


Packages = Mapping[str, Mapping[str, Any]]


def install(node: Node, project: Path, *, with_dev: bool = False) -> None:
    """Install what the lock has: all packages, or only those that a build needs. Raises :class:`BuildFailed`.

    Packages for development that were installed before stay.
    """
    if is_installed(project, with_dev=with_dev):
        return
    keeps_dev = with_dev or any(package.get("dev") for package in _installed(project).values())
    _reach_registry(node, project)
    npm(node, project, "ci", *_OPTIONS, *_PATIENCE, *(() if keeps_dev else ("--omit=dev",)))


def is_installed(project: Path, *, with_dev: bool) -> bool:
    """Whether the folder has every package of the lock, in the version of the lock."""
    installed = _installed(project)
    return bool(installed) and all(
        installed.get(path, {}).get("integrity") == package["integrity"]
        for path, package in _packages(project / "package-lock.json").items()
        if "integrity" in package and _is_needed(package, with_dev)
    )


def _reach_registry(node: Node, project: Path) -> None:
    """Ask the registry for a sign of life: without a network, hundreds of packages would be tried for minutes.

    Raises :class:`BuildFailed`. Not every registry knows the question, so other errors do not count.
    """
    try:
        npm(node, project, "ping", "--fetch-retries=1", "--fetch-retry-mintimeout=500", "--fetch-timeout=20000")
    except RegistryAway:
        raise
    except BuildFailed:
        return


def npm(node: Node, project: Path, *arguments: str) -> None:
    """Run npm in the folder of a project. Raises :class:`BuildFailed`, which says why it failed."""
    environment = {"PATH": node.path(), "NO_COLOR": "1", "CI": "1", "npm_config_loglevel": "warn"}
    try:
        run([*node.npm, *arguments], project, environment, LOG)
    except ProgramFailed as error:
        if _NETWORK.search(error.output):
            raise RegistryAway("the npm registry cannot be reached") from None
        raise BuildFailed(_reason(error.output, arguments)) from None


def _reason(output: str, arguments: tuple[str, ...]) -> str:
    errors = re.findall(r"^npm error (?!code|A complete log|Lifecycle)(\S.*)", output, re.MULTILINE)
    command = " ".join(word for word in arguments[:2] if not word.startswith("-"))
    return f"npm {command} failed{f' ({errors[0]})' if errors else ''}"


def _is_needed(package: Mapping[str, Any], with_dev: bool) -> bool:
    """Optional packages are for one kind of machine each, so most of them are missing."""
    return not package.get("optional") and not package.get("devOptional") and (with_dev or not package.get("dev"))


def _installed(project: Path) -> Packages:
    """npm writes this list when it has installed everything."""
    return _packages(project / "node_modules" / ".package-lock.json")


def _packages(lock: Path) -> Packages:
    try:
        packages: Packages = json.loads(lock.read_text(encoding="utf-8"))["packages"]
    except (OSError, ValueError, KeyError):
        return {}
    return packages


def scripts_of(project: Path) -> Mapping[str, str]:
    """The scripts of a project's package.json; empty without one."""
    try:
        scripts: Mapping[str, str] = json.loads((project / "package.json").read_text(encoding="utf-8"))["scripts"]
    except (OSError, ValueError, KeyError):
        return {}
    return scripts
