"""The benchmark, with a minimum of work."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def bench(folder: Path, *arguments: str, **environment: str) -> str:
    """Run it with its data in ``folder`` and return what it printed."""
    command = [sys.executable, "-m", "bench.ingest", "--rounds", "1", "--folder", str(folder), *arguments]
    return subprocess.run(
        command, cwd=ROOT, env={**os.environ, **environment}, check=True, stdout=subprocess.PIPE, text=True, timeout=60
    ).stdout


def test_a_run_measures_an_upload_and_leaves_no_data(tmp_path: Path) -> None:
    data, result = tmp_path / "data", tmp_path / "result.json"
    printed = bench(data, "--size-mib", "4", "--chunk-mib", "1", "--only", "cloudkeep-form", "--json", str(result))
    (sample,) = json.loads(result.read_text())["samples"]
    assert sample["server"] == "CloudKeep, multipart"
    assert all(sample[figure] > 0 for figure in ("wall_seconds", "ready_seconds", "ingest_cpu", "peak_mib"))
    assert sample["cpu"] == pytest.approx(sum(sample["cpu_by_process"].values()), abs=0.01)
    assert {"API", "worker", "supervisor"} < set(sample["cpu_by_process"])
    assert "| CloudKeep, multipart | " in printed
    assert list(data.iterdir()) == []


def test_the_limit_takes_every_byte_in_and_is_what_others_are_measured_by(tmp_path: Path) -> None:
    result = tmp_path / "result.json"
    printed = bench(tmp_path, "--size-mib", "65", "--chunk-mib", "7", "--only", "limit", "--json", str(result))
    if "C limit: missing" in printed:
        pytest.skip("no C compiler or no OpenSSL here")
    assert re.search(r"\| C limit \| [\d.]+ \| 1.00 \|", printed)
    assert json.loads(result.read_text())["medians"]["C limit"]["ingest_cpu_of_limit"] == 1


def test_without_a_compiler_the_limit_is_missing(tmp_path: Path) -> None:
    assert "C limit: missing, there is no C compiler (cc) on PATH" in bench(
        tmp_path, "--size-mib", "1", "--only", "limit", PATH=""
    )


def test_a_server_that_cannot_be_installed_is_reported_as_missing(tmp_path: Path) -> None:
    offline = {"BENCH_CACHE": str(tmp_path / "cache"), "npm_config_offline": "true", "npm_config_cache": str(tmp_path)}
    printed = bench(tmp_path / "data", "--size-mib", "1", "--only", "tus-node", **offline)
    assert "| @tus/server | missing |" in printed
    assert "@tus/server: missing, node failed: npm error" in printed
