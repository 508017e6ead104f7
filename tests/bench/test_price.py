"""The benchmark of the price of a query, with a minimum of work."""

from pathlib import Path

from tests.bench.benchmark import run_benchmark


def test_the_price_of_a_query_is_measured_beside_the_same_without_and_the_smallest_server(tmp_path: Path) -> None:
    little = ("--rounds", "1", "--seconds", "0.2", "--connections", "2", "--objects", "3")
    found = run_benchmark("bench.price", tmp_path, *little)
    names = [(one["server"], one["query"][:4]) for one in found["samples"]]
    assert len(set(names)) == len(names) == 6
    assert all(sample["cpu"] > 0 and sample["rate"] > 0 for one in found["samples"] for sample in one["samples"])
