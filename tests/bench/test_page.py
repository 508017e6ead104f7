"""The benchmark of the page, with a minimum of work."""

from pathlib import Path

from tests.bench.benchmark import run_benchmark


def test_the_page_is_loaded_scrolled_and_sends_a_file(tmp_path: Path) -> None:
    found = run_benchmark("bench.page", tmp_path, "--rounds", "1", "--size-mib", "16", "--files", "200")
    assert all(paint > 0 for samples in found["loading"]["samples"].values() for paint in samples[0])
    assert found["scrolling"]["samples"].keys() == {"Grid", "List"}
    assert found["uploading"]["ratio"] > 0
