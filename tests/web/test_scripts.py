"""The tests of the page itself: those of vitest, with the packages of its lock."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_tests_of_the_page_pass() -> None:
    command = [sys.executable, "-m", "page_build", "test"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
