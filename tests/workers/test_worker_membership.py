"""Who owns an upload, and who takes which job when."""

from datetime import timedelta
from uuid import UUID, uuid4

from services.core.clock import now
from storage.jobs.models import Job, JobKind, JobState
from workers.worker_membership import HOLD_BACK, OVERDUE, WorkerMembership

NAMES = ["one", "two", "three"]
UPLOADS = [uuid4() for _ in range(600)]
MOMENT = now()


def roster(me: str, *living: str) -> WorkerMembership:
    made = WorkerMembership(me)
    made.update(living)
    return made


def owners(*living: str) -> dict[UUID, str]:
    found = {name: roster(name, *living) for name in living}
    return {upload: name for upload in UPLOADS for name in living if found[name].owns(upload)}


def due(subject: UUID, waited: timedelta = timedelta(0), attempts: int = 0) -> Job:
    return Job(
        kind=JobKind.REASSEMBLE, subject_id=subject, state=JobState.QUEUED, attempts=attempts, run_after=MOMENT - waited
    )


def test_every_upload_has_one_owner_and_the_owners_about_equal_shares() -> None:
    counts = [sum(roster(name, *NAMES).owns(upload) for upload in UPLOADS) for name in NAMES]
    assert sum(counts) == len(UPLOADS)
    assert min(counts) > len(UPLOADS) / 6


def test_when_a_worker_goes_only_its_uploads_change_hands() -> None:
    before, after = owners(*NAMES), owners("one", "two")
    assert {before[upload] for upload in UPLOADS if before[upload] != after[upload]} == {"three"}


def test_a_worker_that_knows_of_nobody_owns_everything() -> None:
    assert all(roster("one").owns(upload) for upload in UPLOADS)


def test_a_job_is_its_owners_at_once_and_anybodys_a_moment_later() -> None:
    mine, others = roster("one", *NAMES), next(upload for upload in UPLOADS if not roster("one", *NAMES).owns(upload))
    own = next(upload for upload in UPLOADS if mine.owns(upload))
    fresh, waiting = due(others), due(others, HOLD_BACK)
    assert mine.in_turn([fresh, waiting, due(own)], MOMENT)[0].subject_id == own
    assert mine.in_turn([fresh, waiting], MOMENT) == [waiting]
    assert mine.in_turn([fresh], MOMENT) == []


def test_a_job_that_waited_for_long_comes_before_a_workers_own() -> None:
    mine = roster("one", *NAMES)
    own = due(next(upload for upload in UPLOADS if mine.owns(upload)))
    old = due(next(upload for upload in UPLOADS if not mine.owns(upload)), OVERDUE)
    assert mine.in_turn([own, old], MOMENT) == [old, own]


def test_a_job_that_was_begun_before_is_anybodys() -> None:
    mine = roster("one", *NAMES)
    begun = due(next(upload for upload in UPLOADS if not mine.owns(upload)), attempts=1)
    assert mine.in_turn([begun], MOMENT) == [begun]


def test_one_of_all_workers_is_the_first() -> None:
    names = ["one", "two", "three"]
    rosters = [WorkerMembership(name) for name in names]
    assert all(roster.is_first for roster in rosters)
    for roster in rosters:
        roster.update(names)
    assert [roster.is_first for roster in rosters] == [True, False, False]
