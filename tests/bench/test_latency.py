"""The benchmark of queries beside bodies that stream in, with a minimum of work."""

from pathlib import Path

from tests.bench.benchmark import run_benchmark


def test_queries_are_measured_with_and_without_bodies_that_stream_in(tmp_path: Path) -> None:
    found = run_benchmark(
        "bench.latency", tmp_path, "--rounds", "1", "--seconds", "1", "--bodies", "3", "--chunk-mib", "1"
    )
    assert found["milliseconds"]["quiet"].keys() == found["milliseconds"]["loaded"].keys()
    assert all(figures["median"] > 0 for figures in found["milliseconds"]["loaded"].values())
    (load,) = found["load"]
    assert load["size"] > 0
