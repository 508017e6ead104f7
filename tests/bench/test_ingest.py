"""The benchmark, with as little to do as it takes."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def bench(folder: Path, *arguments: str, **environment: str) -> str:
    """Run it with its data in ``folder`` and return what it printed."""
    command = [sys.executable, "-m", "bench.ingest", "--rounds", "1", "--folder", str(folder), *arguments]
    return subprocess.run(
        command, cwd=ROOT, env={**os.environ, **environment}, check=True, stdout=subprocess.PIPE, text=True, timeout=60
    ).stdout


def test_a_run_measures_every_upload_and_leaves_no_data(tmp_path: Path) -> None:
    data, result = tmp_path / "data", tmp_path / "result.json"
    printed = bench(data, "--size-mib", "4", "--chunk-mib", "1", "--only", "cloudkeep", "--json", str(result))
    (sample,) = json.loads(result.read_text())["samples"]
    assert sample["server"] == "CloudKeep"
    assert all(sample[figure] > 0 for figure in ("wall_seconds", "ready_seconds", "cpu_seconds_per_gib", "peak_mib"))
    assert "| CloudKeep | " in printed
    assert list(data.iterdir()) == []


def test_a_server_that_cannot_be_installed_is_reported_as_missing(tmp_path: Path) -> None:
    printed = bench(tmp_path, "--size-mib", "1", "--only", "tus-node", PATH="")
    assert "| @tus/server | missing |" in printed
    assert "@tus/server: missing, node and npm are not on PATH" in printed
