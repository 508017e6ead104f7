"""Runs programs that can be stopped at any time together with everything that they have started."""

import os
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

#: Longer than the slowest build. A program that hangs must not hang the terminal.
TIMEOUT = 1_800
#: npm warns of it on every call where a configuration for compilers has it.
_NOISE = 'config "nodedir"'


class BuildFailed(Exception):
    """The page cannot be built. ``str(error)`` is one plain line that says why."""


class ProgramFailed(BuildFailed):
    """A program has failed, after it has written ``output``."""

    def __init__(self, message: str, output: str) -> None:
        super().__init__(message)
        self.output = output


def run(command: Sequence[str], folder: Path, environment: Mapping[str, str], log: Path) -> None:
    """Run a program, and append its output to ``log``. Raises :class:`ProgramFailed`."""
    with log.open("a", encoding="utf-8") as file:
        file.write(f"$ {' '.join(command)}\n")
    with _started(command, folder, environment) as process:
        try:
            output, _ = process.communicate(timeout=TIMEOUT)
        except subprocess.TimeoutExpired:
            raise BuildFailed(f"{command[0]} has not ended in {TIMEOUT // 60} minutes") from None
    output = "".join(line for line in output.splitlines(keepends=True) if _NOISE not in line)
    with log.open("a", encoding="utf-8") as file:
        file.write(output)
    if process.returncode:
        raise ProgramFailed(f"{Path(command[0]).name} failed", output)


@contextmanager
def _started(command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> Iterator[subprocess.Popen[str]]:
    """A program in a session of its own, which ends with the block: Ctrl-C reaches only the process that waits."""
    process = subprocess.Popen(
        command,
        cwd=folder,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        if process.stdout:
            process.stdout.close()
