"""The benchmark of zip files, with a minimum of work."""

from pathlib import Path

from tests.bench.benchmark import run_benchmark


def test_a_zip_file_is_cut_resumed_and_tested(tmp_path: Path) -> None:
    found = run_benchmark("bench.zips", tmp_path, "--mib", "8", "--files", "3", "--tail-mib", "1")
    assert found["same"]
    assert found["size"] > 7 * 2**20
    assert all(found["tested"].values())
