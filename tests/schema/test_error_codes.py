"""Codes of errors: mutations report those that they can raise, and stored codes of another version do no harm."""

import ast
import inspect
from collections.abc import Iterator
from types import ModuleType

import pytest

from schema.error_codes import UploadErrorCode, UserErrorCode, WaitReason
from services.accounts import profile, registration
from services.accounts.credentials import email_change, mailed_codes, password_change, password_recovery
from services.accounts.passwords import password_rules, passwords
from services.accounts.sessions import sessions
from services.accounts.sign_in import sign_in
from services.core import ids, validation
from services.core.errors import ExpectedError
from services.drive.zips import zips
from services.media import types
from services.uploads import direct, lifecycle, uploads
from services.uploads.init import init_upload, new_upload
from storage.jobs.models import Job
from storage.uploads.models import Upload, UploadStatus
from tests.support.server import Api, key_of, sse_events

#: Everything that a mutation calls and that raises errors of its own.
RAISING = (
    email_change,
    mailed_codes,
    password_change,
    password_recovery,
    password_rules,
    passwords,
    profile,
    registration,
    sessions,
    sign_in,
    ids,
    validation,
    types,
    direct,
    init_upload,
    lifecycle,
    new_upload,
    uploads,
    zips,
)
STATE = "query ($id: ID!) { upload(id: $id) { status waitsFor error { code message } } }"
WATCH = "subscription ($id: ID!) { uploadProgress(uploadId: $id) { waitsFor stage } }"


def expected_errors(module: ModuleType) -> Iterator[type[ExpectedError]]:
    """The classes of expected errors that the code of a module calls, to raise or return what they make."""
    for node in ast.walk(ast.parse(inspect.getsource(module))):
        name = node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else ""
        kind = getattr(module, name, None)
        if isinstance(kind, type) and issubclass(kind, ExpectedError):
            yield kind


@pytest.mark.parametrize("module", RAISING, ids=lambda module: module.__name__)
def test_a_mutation_can_report_every_error_that_its_services_raise(module: ModuleType) -> None:
    codes = {kind.code.value for kind in expected_errors(module)}
    assert codes <= set(UserErrorCode.__members__)


def test_the_modules_that_raise_are_the_ones_that_are_looked_at() -> None:
    looked_at: set[type[ExpectedError]] = {kind for module in RAISING for kind in expected_errors(module)}
    assert {kind.code.value for kind in looked_at} >= {"INVALID_CREDENTIALS", "NOT_A_VIDEO", "SLOT_CONFLICT"}


async def test_a_compression_that_can_never_succeed_is_refused_by_a_user_error(api: Api) -> None:
    upload = await api.init(b"text")
    await Upload.all().update(status=UploadStatus.READY, error_code="NOT_A_VIDEO")
    retry = "mutation ($id: ID!) { retryUpload(input: {uploadId: $id}) { upload { id } userErrors { code field } } }"
    answer = await api.data(retry, id=upload["id"])
    assert answer == {"upload": None, "userErrors": [{"code": "NOT_A_VIDEO", "field": None}]}


def test_the_codes_of_this_version_are_kept() -> None:
    assert [UploadErrorCode.of(name) for name in UploadErrorCode.__members__] == list(UploadErrorCode)
    assert [WaitReason.of(name) for name in WaitReason.__members__] == list(WaitReason)


async def test_a_stored_error_of_another_version_is_an_internal_one_with_its_message(api: Api) -> None:
    upload = await api.init(b"text")
    await Upload.all().update(status=UploadStatus.FAILED, error_code="OF_TOMORROW", error_message="What it was.")
    answer = await api.data(STATE, id=upload["id"])
    assert answer["error"] == {"code": "INTERNAL", "message": "What it was."}


async def test_what_another_version_waits_for_is_not_named_and_progress_goes_on(api: Api) -> None:
    upload = await api.upload(b"text")
    await Job.filter(subject_id=key_of(upload["id"])).update(error_code="OF_TOMORROW")
    assert (await api.data(STATE, id=upload["id"]))["waitsFor"] is None
    body = {"query": WATCH, "variables": {"id": upload["id"]}}
    async with api.http.stream("POST", "/graphql", json=body, headers={"Accept": "text/event-stream"}) as response:
        event = await anext(sse_events(response))
    assert event["data"]["uploadProgress"] == {"waitsFor": None, "stage": "REASSEMBLING"}
