"""The benchmark of response times with and without an account, with a minimum of work."""

from pathlib import Path

from tests.bench.benchmark import run_benchmark


def test_sign_ins_and_registrations_are_measured_with_and_without_an_account(tmp_path: Path) -> None:
    found = run_benchmark("bench.sign_in_time", tmp_path, "--number", "2")["milliseconds"]
    assert {"`login`, user ID", "`login`, address", "`register`, address", "`login` during a delay"} <= found.keys()
    for times in found.values():
        assert len(times["existing"]) >= 2 <= len(times["missing"])
        assert min(times["existing"] + times["missing"]) > 0
