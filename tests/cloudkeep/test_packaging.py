"""The locked requirements, the names of top-level packages, and the files of a wheel."""

import os
import re
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import packages_distributions
from importlib.util import find_spec
from json import loads
from pathlib import Path
from typing import Any

import pytest

from services.mail.kinds import MailKind
from services.mail.templates import BUILT_IN

ROOT = Path(__file__).parents[2]
LOCKS = [ROOT / "requirements" / name for name in ("uv.txt", "runtime.txt", "dev.txt", "bench.txt", "web.txt")]
NPM_PROJECTS = ["web", "bench/servers/tus_node"]
NPM_PROJECTS += [f"tests/browser/{name}" for name in ("chromium", "uppy-5", "uppy-6")]
NPM_LOCKS = [ROOT / project / "package-lock.json" for project in NPM_PROJECTS]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())


def locked(path: Path) -> dict[str, str]:
    return dict(re.findall(r"^([A-Za-z0-9._-]+)==([^\s;]+)", path.read_text(), re.MULTILINE))


def normal(requirement: str) -> str:
    return re.sub(r"[-_.]+", "-", re.split(r"[^A-Za-z0-9._-]", requirement)[0]).lower()


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_a_lock_has_a_hash_for_everything_and_names_no_registry(lock: Path) -> None:
    text = lock.read_text().replace("\\\n", "")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    assert all(re.fullmatch(r"[a-z0-9-]+==[^:]+( +--hash=sha256:[0-9a-f]{64})+", line) for line in lines)


@pytest.mark.parametrize("lock", NPM_LOCKS, ids=lambda path: path.parent.name)
def test_an_npm_lock_has_a_hash_for_everything_and_names_no_registry(lock: Path) -> None:
    packages: dict[str, Any] = loads(lock.read_text())["packages"]
    # The others are folders of the project itself.
    installed = [package for path, package in packages.items() if "node_modules" in path and "link" not in package]
    assert all("resolved" not in package for package in installed)
    assert all("integrity" in package for package in installed)


def test_the_locks_have_every_requirement_of_the_project() -> None:
    required = {normal(requirement) for requirement in PROJECT["project"]["dependencies"]}
    assert required <= locked(LOCKS[1]).keys()
    required |= {normal(requirement) for requirement in PROJECT["project"]["optional-dependencies"]["dev"]}
    assert required <= locked(LOCKS[2]).keys()


def test_tests_run_with_the_versions_of_the_runtime() -> None:
    runtime, dev = locked(LOCKS[1]), locked(LOCKS[2])
    assert {name: dev[name] for name in runtime} == runtime


def test_the_build_backend_is_the_locked_one() -> None:
    assert PROJECT["build-system"]["requires"] == [f"hatchling=={locked(LOCKS[1])['hatchling']}"]


@pytest.mark.parametrize("name", PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"])
def test_no_dependency_has_the_name_of_a_top_level_package(name: str) -> None:
    assert set(packages_distributions().get(name, [])) <= {"cloudkeep"}
    spec = find_spec(name)
    assert spec
    assert spec.origin == str(ROOT / name / "__init__.py")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel of this checkout; the page is built first if it has changed."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stderr
    assert "page" not in done.stderr, done.stderr
    (made,) = folder.glob("*.whl")
    return made


def test_a_wheel_has_the_page_and_finds_it_where_it_is_installed(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    environment = {"PYTHONPATH": str(tmp_path), "PATH": os.defpath}
    command = [sys.executable, "-P", "-c", "from endpoints.page.folder import page_folder; print(page_folder())"]
    printed = subprocess.run(command, env=environment, cwd=tmp_path, check=True, capture_output=True, text=True).stdout
    folder = Path(printed.strip())
    assert folder == tmp_path / "endpoints" / "page" / "dist"
    assert (folder / "page" / "index.html").read_bytes() == (ROOT / "web/dist/page/index.html").read_bytes()
    assert list((folder / "page" / "assets").glob("index-*.js.br"))
    assert not (tmp_path / "page_build").exists()


def test_a_wheel_has_the_templates_of_all_mails(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if name.startswith("services/mail/builtin/")}
    assert packed == {str(path.relative_to(ROOT)) for path in BUILT_IN.rglob("*.*")}
    assert len(packed) >= 2 * len(MailKind)
