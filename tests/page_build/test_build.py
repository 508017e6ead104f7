"""A build: made once for each state of the sources, in its place in one step, and with a plain reason if it fails."""

import sys
from pathlib import Path

import pytest

from tests.page_build.conftest import Checkout

STARTED = "Building the page; this takes about a minute the first time."
BUILT = [STARTED, "The page is built."]


def test_it_installs_what_a_build_needs_and_builds(checkout: Checkout) -> None:
    assert checkout.run("build") == (0, BUILT)
    assert checkout.calls == ["web ci", "web run build"]
    assert (checkout.dist / "page" / "index.html").read_text() == "first"
    assert "--omit=dev" in checkout.log
    assert "--ignore-scripts" in checkout.log


def test_it_builds_nothing_again(checkout: Checkout) -> None:
    checkout.run("build")
    assert checkout.run("build") == (0, ["The page is built already."])
    assert checkout.calls == ["web ci", "web run build"]


@pytest.mark.parametrize("name", ["src/new.ts", "package-lock.json", "client/src/index.ts", "../schema/schema.graphql"])
def test_a_changed_source_is_built(checkout: Checkout, name: str) -> None:
    checkout.run("build")
    text = (checkout.web / name).read_text() if (checkout.web / name).exists() else ""
    checkout.write(name, text + " ")
    assert checkout.run("build") == (0, BUILT)


@pytest.mark.parametrize("name", ["src/a.test.ts", "tests/a.ts", "node_modules/a/index.js", "src/api/generated/a.ts"])
def test_what_is_not_part_of_the_page_is_not(checkout: Checkout, name: str) -> None:
    checkout.run("build")
    checkout.write(name, "changed")
    assert checkout.run("build") == (0, ["The page is built already."])


def test_graphiql_is_built_with_its_own_packages(checkout: Checkout) -> None:
    checkout.add_project("graphiql")
    assert checkout.run("build")[0] == 0
    assert checkout.calls == ["web ci", "web run build", "graphiql ci", "graphiql run build"]
    assert (checkout.dist / "graphiql" / "index.html").is_file()


def test_pages_that_are_open_find_the_assets_of_the_build_before_and_no_older_ones(checkout: Checkout) -> None:
    for text in ("first", "second", "third"):
        checkout.write("source.txt", text)
        checkout.run("build")
    assert {path.name for path in (checkout.dist / "page" / "assets").iterdir()} == {"second.js", "third.js"}
    assert (checkout.dist / "page" / "index.html").read_text() == "third"


def test_two_builds_are_kept(checkout: Checkout) -> None:
    for text in ("first", "second", "third"):
        checkout.write("source.txt", text)
        checkout.run("build")
    assert len(list((checkout.web / ".build" / "builds").iterdir())) == 2


def test_a_build_by_hand_is_replaced(checkout: Checkout) -> None:
    checkout.write("dist/page/index.html", "by hand")
    assert checkout.run("build") == (0, BUILT)
    assert (checkout.dist / "page" / "index.html").read_text() == "first"


def test_several_at_once_build_once(checkout: Checkout) -> None:
    builders = [checkout.start("build", FAKE_SECONDS="0.3") for _ in range(3)]
    printed = sorted(builder.communicate(timeout=60)[0] for builder in builders)
    assert [builder.returncode for builder in builders] == [0, 0, 0]
    assert printed == ["\n".join([*BUILT, ""]), *["The page is built already.\n"] * 2]
    assert checkout.calls == ["web ci", "web run build"]


def test_a_failure_is_one_line_and_leaves_the_build_before(checkout: Checkout) -> None:
    checkout.run("build")
    checkout.write("source.txt", "second")
    code, lines = checkout.run("build", FAKE_CODE="1", FAKE_OUTPUT="npm error src/App.svelte is broken")
    assert code == 1
    assert lines == [
        STARTED,
        "The page cannot be built: npm run build failed (src/App.svelte is broken). The API runs without it. "
        "Details: web/.build/log.txt",
    ]
    assert "npm error src/App.svelte is broken" in checkout.log
    assert "nodedir" not in checkout.log
    assert (checkout.dist / "page" / "index.html").read_text() == "first"
    assert checkout.run("build") == (0, BUILT)


@pytest.mark.parametrize("error", ["npm error code ENOTFOUND", "npm error network ECONNREFUSED 127.0.0.1:1"])
def test_a_missing_network_is_named(checkout: Checkout, error: str) -> None:
    code, lines = checkout.run("build", FAKE_CODE="1", FAKE_OUTPUT=error)
    assert code == 1
    assert lines[1].startswith("The page cannot be built: the npm registry cannot be reached. ")


def test_it_does_not_wait_for_hundreds_of_packages_without_a_network(checkout: Checkout) -> None:
    checkout.run("build", FAKE_CODE="1", FAKE_OUTPUT="npm error code EAI_AGAIN")
    assert checkout.calls == []


@pytest.mark.parametrize("version", ["v20.19.0", "v22.16.0", "not a version"])
def test_a_node_that_is_too_old_is_not_used(checkout: Checkout, version: str) -> None:
    """The Python outside of .venv has no package with a Node."""
    python = str(Path(sys.base_prefix, "bin", f"python3.{sys.version_info.minor}"))
    code, lines = checkout.run("build", python=python, FAKE_VERSION=version)
    assert (code, checkout.calls) == (1, [])
    assert lines[1].startswith("The page cannot be built: it needs Node 22.17 or newer. ")


def test_a_copy_has_no_links(checkout: Checkout, tmp_path: Path) -> None:
    assert checkout.run("build", "--to", str(tmp_path / "copy"))[0] == 0
    assert not (tmp_path / "copy").is_symlink()
    assert (tmp_path / "copy" / "page" / "index.html").read_text() == "first"
