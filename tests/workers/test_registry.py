"""The registry: every kind of job has one definition."""

from storage.jobs.models import JobKind
from storage.uploads.models import JOB_OF_STATUS
from workers.registry import JOB_TYPES


def test_every_kind_is_registered_once() -> None:
    assert sorted(job_type.kind for job_type in JOB_TYPES) == sorted(JobKind)


def test_every_job_that_moves_an_upload_on_is_about_an_upload() -> None:
    subjects = {job_type.kind: job_type.subject for job_type in JOB_TYPES}
    assert {subjects[kind] for kind in JOB_OF_STATUS.values()} == {"upload_id"}
