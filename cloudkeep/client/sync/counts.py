"""The numbers of a synchronisation: what there is to do, and what was done."""

from collections import Counter
from collections.abc import Mapping
from enum import StrEnum

from cloudkeep.client.sync.plan import Plan


class Step(StrEnum):
    """What is done with an item, in the order and the words of the summary."""

    NEW = "new"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    FOLDER = "folders created"
    RENAMED = "renamed"
    TRASHED = "to the trash"
    FAILED = "failed"


def planned(plan: Plan) -> Counter[Step]:
    """The numbers of a plan of which nothing fails."""
    changed = sum(1 for upload in plan.uploads if upload.replaces)
    return Counter(
        {
            Step.NEW: len(plan.uploads) - changed,
            Step.CHANGED: changed,
            Step.UNCHANGED: plan.unchanged,
            Step.FOLDER: len(plan.folders),
            Step.RENAMED: len(plan.renames),
            Step.TRASHED: len(plan.trash_first) + len(plan.trash_last),
        }
    )


def summary(counts: Mapping[Step, int]) -> str:
    """The numbers as a line."""
    return ", ".join(f"{counts[step]} {step}" for step in Step if counts.get(step)) or "nothing to do"
