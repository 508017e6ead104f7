"""The summary of a sync."""

from cloudkeep.client.sync.counts import Step, planned, summary
from cloudkeep.client.sync.plan import Plan


def test_only_what_there_is_to_count_is_in_the_summary() -> None:
    assert summary({Step.FAILED: 1, Step.NEW: 2, Step.UNCHANGED: 0}) == "2 new, 1 failed"


def test_a_plan_without_steps_has_nothing_to_do() -> None:
    assert summary(planned(Plan())) == "nothing to do"


def test_unchanged_files_are_counted() -> None:
    assert summary(planned(Plan(unchanged=3))) == "3 unchanged"
