"""The build beside a server: its lines, and that it ends with the server or by Ctrl-C, and npm with it."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator

import psutil
import pytest

from tests.page_build.conftest import Checkout
from tests.page_build.test_build import STARTED


@pytest.fixture
def server() -> Iterator["subprocess.Popen[bytes]"]:
    """A process that stands in for the server."""
    with subprocess.Popen(["sleep", "60"]) as process:
        yield process
        process.kill()


def pid_of_npm(checkout: Checkout) -> int:
    """The process that hangs."""
    file = checkout.root / "calls.pid"
    deadline = time.monotonic() + 20
    while not (file.exists() and file.read_text().strip()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return int(file.read_text())


def test_it_says_when_it_begins_and_where_the_page_is(checkout: Checkout, server: "subprocess.Popen[bytes]") -> None:
    code, lines = checkout.run("beside", str(server.pid), CLOUDKEEP_PUBLIC_URL="https://cloud.example.org")
    assert (code, lines) == (0, [STARTED, "The page is there: https://cloud.example.org"])
    assert checkout.run("beside", str(server.pid)) == (0, [])
    assert not (checkout.root / "data").exists()


def test_it_says_why_there_is_no_page(checkout: Checkout, server: "subprocess.Popen[bytes]") -> None:
    code, lines = checkout.run("beside", str(server.pid), FAKE_CODE="1", FAKE_OUTPUT="npm error code EAI_AGAIN")
    assert (code, len(lines)) == (1, 2)
    assert lines[1].startswith("The page cannot be built: the npm registry cannot be reached. The API runs without it.")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_and_npm(checkout: Checkout, server: "subprocess.Popen[bytes]", number: int) -> None:
    """A shell starts it in the background, with SIGINT ignored."""
    process = checkout.start("beside", str(server.pid), ignored="INT", FAKE_SECONDS="60")
    npm = pid_of_npm(checkout)
    os.kill(process.pid, number)
    printed, _ = process.communicate(timeout=10)
    assert (process.returncode, printed.splitlines()) == (130, [STARTED])
    assert not psutil.pid_exists(npm)
    assert not checkout.dist.exists()


def test_it_ends_with_the_server(checkout: Checkout, server: "subprocess.Popen[bytes]") -> None:
    process = checkout.start("beside", str(server.pid), FAKE_SECONDS="60")
    npm = pid_of_npm(checkout)
    server.kill()
    server.wait()
    printed, _ = process.communicate(timeout=10)
    assert (process.returncode, printed.splitlines()) == (130, [STARTED])
    assert not psutil.pid_exists(npm)


def test_a_build_that_was_interrupted_is_made_by_the_next_one(
    checkout: Checkout, server: "subprocess.Popen[bytes]"
) -> None:
    process = checkout.start("beside", str(server.pid), FAKE_SECONDS="60")
    pid_of_npm(checkout)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=10)
    assert checkout.run("build")[0] == 0
