"""The benchmark of the time until READY, with a minimum of work."""

from pathlib import Path

from tests.bench.benchmark import run_benchmark


def test_the_time_to_ready_is_measured_for_every_size(tmp_path: Path) -> None:
    found = run_benchmark("bench.ready", tmp_path, "--rounds", "1", "--sizes-mib", "1", "3", "--chunk-mib", "1")
    assert {size: len(samples) for size, samples in found["sizes_mib"].items()} == {"1": 1, "3": 1}
