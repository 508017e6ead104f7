"""The benchmark of the drive, with a minimum of items."""

from pathlib import Path

from tests.bench.benchmark import run_benchmark


def test_searches_are_measured_in_accounts_of_each_size(tmp_path: Path) -> None:
    arguments = ("--only", "search", "--database", "sqlite", "--items", "10000", "--runs", "2")
    timings = run_benchmark("bench.drive", tmp_path, *arguments)["timings"]
    assert {timing["operation"].partition(":")[0] for timing in timings} == {
        "large account",
        "middle account",
        "small account",
    }
    for timing in timings:
        assert len(timing["milliseconds"]) == 2
        assert min(timing["milliseconds"]) > 0
