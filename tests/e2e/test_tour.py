"""The tour of docs/tour.md, pasted into every shell that is installed, as a newcomer does."""

import contextlib
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.process import ServeProcess, serving

ROOT = Path(__file__).parents[2]
SECONDS = 120
#: Without the settings of the person who runs the tests.
SHELLS = {
    "bash": ["bash", "--noprofile", "--norc", "-i"],
    "dash": ["dash", "-i"],
    "zsh": ["zsh", "-f", "-i"],
}
END = "the tour has ended with "


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as ``make run`` leaves it, with the virtual environment of these tests."""
    folder = tmp_path_factory.mktemp("checkout")
    (folder / ".venv").symlink_to(sys.prefix)
    return folder


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[ServeProcess]:
    """A server on a port that only its data folder tells."""
    with serving(folder / "data") as process:
        yield process


def tour() -> str:
    """The only block of the page."""
    (block,) = re.findall(r"^```sh\n(.*?)^```$", (ROOT / "docs/tour.md").read_text(), re.MULTILINE | re.DOTALL)
    return str(block)


class Shell:
    """An interactive shell in a terminal of its own; ``text`` is everything that the terminal shows."""

    def __init__(self, command: list[str], folder: Path, temporary: Path) -> None:
        self.text = ""
        self._pid, self._terminal = pty.fork()
        if not self._pid:
            os.chdir(folder)
            os.environ.update(TMPDIR=str(temporary), TERM="dumb")
            os.execvp(command[0], command)

    def type(self, text: str) -> None:
        """Type or paste the text."""
        for line in text.splitlines(keepends=True):
            os.write(self._terminal, line.encode())

    def see(self, pattern: str) -> str:
        """What matches the pattern, once the terminal shows it after what was seen before."""
        deadline = time.monotonic() + SECONDS
        while not (match := re.search(pattern, self.text)):
            assert time.monotonic() < deadline, self.text
            self.text += os.read(self._terminal, 65536).decode(errors="replace")
        self.text = self.text[match.end() :]
        return match[0]

    def close(self) -> None:
        """End the shell."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)
        os.close(self._terminal)


@pytest.mark.parametrize("name", SHELLS)
def test_the_tour_can_be_pasted_into_a_shell_twice(
    name: str, server: ServeProcess, folder: Path, tmp_path: Path
) -> None:
    if not shutil.which(name):
        pytest.skip(f"NOT TESTED in {name}: it is not installed")
    shell = Shell(SHELLS[name], folder, tmp_path)
    try:
        for _ in range(2):
            shell.type(tour())
            shell.see(r"Code: ")
            shell.type(f"{server.otp()}\n")
            shell.see(r'"stage": ?"READY"')
            shell.type(f"echo '{END}'$?\n")
            assert shell.see(END + r"\d+").endswith(" 0")
    finally:
        shell.close()
    folders = list(tmp_path.iterdir())
    assert len(folders) == 2
    for each in folders:
        assert {path.name for path in each.iterdir()} == {"clip.mp4", "original.mp4", "compressed.mp4"}
        assert (each / "original.mp4").read_bytes() == (each / "clip.mp4").read_bytes()
        assert 0 < (each / "compressed.mp4").stat().st_size < (each / "clip.mp4").stat().st_size


@pytest.mark.parametrize("name", SHELLS)
def test_a_wrong_code_ends_the_tour_with_one_line(
    name: str, server: ServeProcess, folder: Path, tmp_path: Path
) -> None:
    if not (path := shutil.which(name)):
        pytest.skip(f"NOT TESTED in {name}: it is not installed")
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    process = subprocess.run(
        [path, "-c", tour()],
        input="12345x\n",
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    server.otp()
    assert process.returncode == 1
    assert process.stderr.count("\n") == 1
    assert process.stderr.startswith("No data.verifyOtp.session.accessToken in the response: ")
