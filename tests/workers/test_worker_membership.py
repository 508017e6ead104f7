"""The owner of an upload, and the order of claims."""

from datetime import timedelta
from uuid import UUID, uuid4

from services.core.clock import now
from storage.jobs.models import Job, JobKind, JobState
from workers.worker_membership import HOLD_BACK, OVERDUE, WorkerMembership

NAMES = ["one", "two", "three"]
UPLOADS = [uuid4() for _ in range(600)]
MOMENT = now()


def membership_of(name: str, *living: str) -> WorkerMembership:
    membership = WorkerMembership(name)
    membership.update(living)
    return membership


def owners(*living: str) -> dict[UUID, str]:
    memberships = {name: membership_of(name, *living) for name in living}
    return {upload: name for upload in UPLOADS for name in living if memberships[name].owns(upload)}


def due(subject: UUID, waited: timedelta = timedelta(0), attempts: int = 0) -> Job:
    return Job(
        kind=JobKind.REASSEMBLE, subject_id=subject, state=JobState.QUEUED, attempts=attempts, run_after=MOMENT - waited
    )


def test_every_upload_has_one_owner_and_the_owners_about_equal_shares() -> None:
    counts = [sum(membership_of(name, *NAMES).owns(upload) for upload in UPLOADS) for name in NAMES]
    assert sum(counts) == len(UPLOADS)
    assert min(counts) > len(UPLOADS) / 6


def test_when_a_worker_leaves_only_its_uploads_change_hands() -> None:
    before, after = owners(*NAMES), owners("one", "two")
    assert {before[upload] for upload in UPLOADS if before[upload] != after[upload]} == {"three"}


def test_a_worker_that_knows_no_other_owns_everything() -> None:
    assert all(membership_of("one").owns(upload) for upload in UPLOADS)


def test_the_owner_may_claim_a_job_at_once_and_any_worker_a_moment_later() -> None:
    mine = membership_of("one", *NAMES)
    others = next(upload for upload in UPLOADS if not mine.owns(upload))
    own = next(upload for upload in UPLOADS if mine.owns(upload))
    fresh, waiting = due(others), due(others, HOLD_BACK)
    assert mine.claim_order([fresh, waiting, due(own)], MOMENT)[0].subject_id == own
    assert mine.claim_order([fresh, waiting], MOMENT) == [waiting]
    assert mine.claim_order([fresh], MOMENT) == []


def test_a_job_that_waited_for_long_comes_before_a_workers_own() -> None:
    mine = membership_of("one", *NAMES)
    own = due(next(upload for upload in UPLOADS if mine.owns(upload)))
    old = due(next(upload for upload in UPLOADS if not mine.owns(upload)), OVERDUE)
    assert mine.claim_order([own, old], MOMENT) == [old, own]


def test_any_worker_may_claim_a_job_that_was_started_before() -> None:
    mine = membership_of("one", *NAMES)
    begun = due(next(upload for upload in UPLOADS if not mine.owns(upload)), attempts=1)
    assert mine.claim_order([begun], MOMENT) == [begun]


def test_one_of_all_workers_is_the_first() -> None:
    names = ["one", "two", "three"]
    memberships = [WorkerMembership(name) for name in names]
    assert all(membership.is_first for membership in memberships)
    for membership in memberships:
        membership.update(names)
    assert [membership.is_first for membership in memberships] == [True, False, False]
