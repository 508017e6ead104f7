"""How a child process ended, in words."""

import asyncio
import signal
import sys

import pytest

from storage.child_process import describe_end, signal_name


@pytest.mark.parametrize("number", range(1, 65))
def test_every_signal_has_a_name(number: int) -> None:
    assert signal_name(number)


@pytest.mark.parametrize(
    ("number", "name"),
    [
        (signal.SIGKILL, "SIGKILL"),
        (signal.SIGRTMIN, "SIGRTMIN"),
        (signal.SIGRTMIN + 3, "SIGRTMIN+3"),
        (signal.SIGRTMAX, "SIGRTMAX"),
        (32, "signal 32"),
        (999, "signal 999"),
    ],
)
def test_a_signal_has_the_name_that_kill_lists(number: int, name: str) -> None:
    assert signal_name(number) == name


@pytest.mark.parametrize(("code", "end"), [(3, "ended with exit code 3"), (-9, "was ended by SIGKILL")])
def test_an_end_is_an_exit_code_or_a_signal(code: int, end: str) -> None:
    assert describe_end(code) == end


async def test_the_end_by_a_real_time_signal_can_be_described() -> None:
    program = f"import os; os.kill(os.getpid(), {signal.SIGRTMIN + 2})"
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", program)
    assert describe_end(await process.wait()) == "was ended by SIGRTMIN+2"
