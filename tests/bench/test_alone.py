"""The benchmarks of CloudKeep alone, with as little to do as it takes."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


def run(module: str, folder: Path, *arguments: str) -> Any:
    """Run it with its data in ``folder`` and return the JSON that it wrote."""
    result = folder / "result.json"
    command = [sys.executable, "-m", module, "--folder", str(folder / "data"), "--json", str(result)]
    subprocess.run([*command, *arguments], cwd=ROOT, check=True, capture_output=True, timeout=120)
    assert list((folder / "data").iterdir()) == []
    return json.loads(result.read_text())


def test_queries_are_measured_with_and_without_bodies_that_stream_in(tmp_path: Path) -> None:
    found = run("bench.latency", tmp_path, "--rounds", "1", "--seconds", "1", "--bodies", "3", "--chunk-mib", "1")
    assert found["milliseconds"]["quiet"].keys() == found["milliseconds"]["loaded"].keys()
    assert all(figures["median"] > 0 for figures in found["milliseconds"]["loaded"].values())
    (load,) = found["load"]
    assert load["size"] > 0


def test_the_time_to_ready_is_measured_for_every_size(tmp_path: Path) -> None:
    found = run("bench.ready", tmp_path, "--rounds", "1", "--sizes-mib", "1", "3", "--chunk-mib", "1")
    assert {size: len(samples) for size, samples in found["sizes_mib"].items()} == {"1": 1, "3": 1}


def test_memory_is_measured_with_bodies_in_flight_and_over_a_large_file(tmp_path: Path) -> None:
    found = run("bench.memory", tmp_path, "--bodies", "5", "--chunk-mib", "1", "--file-gib", "0.01")
    peaks = found["peak_bytes"]
    assert {"5 bodies in flight", "5 bodies in flight, by the event loop", "the file is READY"} < set(peaks)
    assert all(of["API"] > 0 and of["worker"] > 0 for of in peaks.values())


def test_the_price_of_a_query_is_measured_beside_the_same_without_and_the_smallest_server(tmp_path: Path) -> None:
    little = ("--rounds", "1", "--seconds", "0.2", "--connections", "2", "--objects", "3")
    found = run("bench.price", tmp_path, *little)
    names = [(one["server"], one["query"][:4]) for one in found["samples"]]
    assert len(set(names)) == len(names) == 6
    assert all(sample["cpu"] > 0 and sample["rate"] > 0 for one in found["samples"] for sample in one["samples"])
