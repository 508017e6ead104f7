"""The benchmark of memory, with a minimum of work."""

from pathlib import Path

from tests.bench.benchmark import run_benchmark


def test_memory_is_measured_with_bodies_in_flight_and_over_a_large_file(tmp_path: Path) -> None:
    found = run_benchmark("bench.memory", tmp_path, "--bodies", "5", "--chunk-mib", "1", "--file-gib", "0.01")
    peaks = found["peak_bytes"]
    assert {"5 bodies in flight", "5 bodies in flight, by the event loop", "the file is READY"} < set(peaks)
    assert all(of["API"] > 0 and of["worker"] > 0 for of in peaks.values())
