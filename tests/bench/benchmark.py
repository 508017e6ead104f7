"""Runs a benchmark with a minimum of work."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


def run_benchmark(module: str, folder: Path, *arguments: str) -> Any:
    """Run it with its data in ``folder`` and return the JSON that it wrote."""
    result = folder / "result.json"
    command = [sys.executable, "-m", module, "--folder", str(folder / "data"), "--json", str(result)]
    subprocess.run([*command, *arguments], cwd=ROOT, check=True, capture_output=True, timeout=120)
    assert list((folder / "data").iterdir()) == []
    return json.loads(result.read_text())
