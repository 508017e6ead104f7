"""The scripts of the npm projects, with their packages for development."""

from tests.page_build.conftest import Checkout


def test_a_script_runs_in_every_project_that_has_it(checkout: Checkout) -> None:
    checkout.add_project("graphiql")
    checkout.write("graphiql/package.json", '{"scripts": {"check": "check", "test": "test"}}')
    assert checkout.run("check")[0] == 0
    assert checkout.calls == ["web ci", "web run check", "graphiql ci", "graphiql run check"]
    assert checkout.run("test")[0] == 0
    assert checkout.calls[4:] == ["graphiql run test"]


def test_packages_for_development_are_installed_and_stay(checkout: Checkout) -> None:
    checkout.run("check")
    assert "--omit=dev" not in checkout.log
    checkout.write("package-lock.json", '{"packages": {"node_modules/a": {"integrity": "3"}}}')
    checkout.run("build")
    assert "ci" in checkout.log
    assert "--omit=dev" not in checkout.log


def test_a_build_does_not_need_them(checkout: Checkout) -> None:
    checkout.run("build")
    checkout.run("check")
    assert checkout.calls == ["web ci", "web run build", "web ci", "web run check"]


def test_the_exit_code_is_that_of_the_script(checkout: Checkout) -> None:
    checkout.run("check")
    code, lines = checkout.run("check", FAKE_CODE="7", FAKE_OUTPUT="src/App.svelte: wrong")
    assert code == 7
    assert "src/App.svelte: wrong" in lines


def test_without_a_registry_it_fails_and_says_so(checkout: Checkout) -> None:
    code, (line,) = checkout.run("check", FAKE_CODE="1", FAKE_OUTPUT="npm error code ECONNREFUSED")
    assert code == 1
    assert line.startswith("The page cannot be checked: the npm registry cannot be reached.")
