"""Storage as clients see it: reservations, refusals, and a disk that becomes full during an upload."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from cloudkeep.settings.settings import Settings
from services.core.clock import now
from storage.accounts.models import Account
from storage.budgets import limit_overrides
from storage.budgets.models import NO_LIMIT, GrantKind
from storage.jobs.models import Job
from storage.uploads.models import Upload
from tests.support.backends.databases import Databases
from tests.support.faults.disk import database_ends_here, files_end_at
from tests.support.server import INIT, PASSWORD, Api, Json, digest, key_of, sse_events
from tests.support.shared_server import SharedServer, shared_server

MIB = 2**20
QUOTA = 2 * MIB
STORAGE = "{ me { storage { quota used originals derived reserved } } }"


async def room(api: Api) -> dict[str, int | None]:
    storage: dict[str, int | None] = (await api.data(STORAGE))["storage"]
    return storage


@pytest_asyncio.fixture
async def narrow(tmp_path: Path, databases: Databases) -> AsyncIterator[SharedServer]:
    """A server with a small quota."""
    async with shared_server(tmp_path, databases, quota=QUOTA) as running:
        yield running


async def test_storage_is_reserved_at_the_start_and_used_at_the_end(narrow: SharedServer) -> None:
    content = b"x" * MIB
    upload = await narrow.api.init(content)
    begun = {"quota": QUOTA, "used": 0, "originals": 0, "derived": 0, "reserved": MIB}
    assert await room(narrow.api) == begun
    assert (await narrow.api.put(upload["slots"]["nodes"][0], content)).status_code == 200
    await narrow.api.frames(upload["id"])
    assert await room(narrow.api) == {**begun, "used": MIB, "originals": MIB, "reserved": 0}
    (error,) = (await narrow.api.data(INIT, input={"fileName": "a", "size": MIB + 1}))["userErrors"]
    assert (error["field"], error["code"]) == (["input", "size"], "QUOTA_EXCEEDED")


async def test_the_quota_is_50_gib_without_a_setting_and_null_if_there_is_none(api: Api) -> None:
    nothing = {"used": 0, "originals": 0, "derived": 0, "reserved": 0}
    assert await room(api) == {"quota": 50 * 2**30, **nothing}
    account = await Account.get(user_id=(await api.data(WHO))["userId"])
    await limit_overrides.change(account.id, {GrantKind.QUOTA: (NO_LIMIT, None)}, now())
    assert await room(api) == {"quota": None, **nothing}


async def test_an_upload_does_not_start_if_the_disk_has_too_little_space(tmp_path: Path, databases: Databases) -> None:
    async with shared_server(tmp_path, databases, storage_reserve=2**53) as full:
        (error,) = (await full.api.data(INIT, input={"fileName": "a", "size": 1}))["userErrors"]
        assert (error["field"], error["code"]) == (["input", "size"], "STORAGE_FULL")
        assert full.staged == set()


async def test_a_full_disk_loses_no_receipt_and_the_upload_continues_when_there_is_space(
    api: Api, worker: None
) -> None:
    content = bytes(range(256)) * (MIB // 64)
    upload = await api.init(content, chunkSize=MIB)
    slots = upload["slots"]["nodes"]
    with files_end_at(2 * MIB + 100):
        answers = [await api.put(slot, content) for slot in slots]
    assert [answer.status_code for answer in answers] == [200, 200, 507, 507]
    assert answers[2].json()["code"] == "STORAGE_FULL"
    look = await api.look(upload["id"])
    assert (look["status"], look["receivedChunks"]) == ("RECEIVING", 2)
    for slot in look["slots"]["nodes"]:
        assert (await api.put(slot, content)).status_code == 200
    assert (await api.frames(upload["id"]))[-1]["stage"] == "READY"
    assert (await api.look(upload["id"]))["file"]["sha256"] == digest(content)


LOGIN = "mutation ($input: LoginInput!) { login(input: $input) { session { expiresAt } userErrors { field code } } }"
WHO = "{ me { userId } }"


async def until_full(api: Api) -> Json:
    """Start uploads until the database has no space for another row. Returns the error of the last one."""
    while True:
        payload = await api.data(INIT, input={"fileName": "a", "size": 1})
        if payload["userErrors"]:
            return dict(payload["userErrors"][0])


@pytest.mark.sqlite
async def test_a_full_database_refuses_writes_and_serves_reads(api: Api, settings: Settings) -> None:
    name = (await api.data(WHO))["userId"]
    async with database_ends_here():
        assert (await until_full(api))["code"] == "STORAGE_FULL"
        staged = set(os.listdir(settings.data_dir / "blobs" / "staging"))
        assert len(staged) == await Upload.all().count()
        errors: list[Json] = []
        while not errors:
            errors = (await api.data(LOGIN, input={"userId": name, "password": PASSWORD}))["userErrors"]
        assert errors == [{"field": None, "code": "STORAGE_FULL"}]
        assert (await api.data(WHO))["userId"] == name
    assert (await api.data(LOGIN, input={"userId": name, "password": PASSWORD}))["userErrors"] == []


@pytest.mark.sqlite
async def test_a_chunk_whose_receipt_could_not_be_stored_can_be_sent_again(api: Api, worker: None) -> None:
    content = bytes(range(256)) * 256 * 100
    upload = await api.init(content, chunkSize=65_536)
    async with database_ends_here():
        answers = [await api.put(slot, content) for slot in upload["slots"]["nodes"]]
        refused = [answer for answer in answers if answer.status_code != 200]
        assert refused
        for answer in refused:
            assert (answer.status_code, answer.json()["code"]) == (507, "STORAGE_FULL")
            assert answer.headers["Retry-After"] == "30"
        look = await api.look(upload["id"])
        assert look["receivedChunks"] == len(answers) - len(refused)
    for slot in look["slots"]["nodes"]:
        assert (await api.put(slot, content)).status_code == 200
    assert (await api.frames(upload["id"]))[-1]["stage"] == "READY"


WAITS = "query ($id: ID!) { upload(id: $id) { status waitsFor } }"
WATCH = "subscription ($id: ID!) { uploadProgress(uploadId: $id) { stage waitsFor upload { waitsFor } } }"


async def test_an_upload_that_waits_for_disk_space_says_so(api: Api) -> None:
    upload = await api.upload(b"x" * 1_000)
    assert await api.data(WAITS, id=upload["id"]) == {"status": "REASSEMBLING", "waitsFor": None}
    await Job.filter(subject_id=key_of(upload["id"])).update(error_code="STORAGE_FULL")
    assert await api.data(WAITS, id=upload["id"]) == {"status": "REASSEMBLING", "waitsFor": "STORAGE_FULL"}
    body = {"query": WATCH, "variables": {"id": upload["id"]}}
    async with api.http.stream("POST", "/graphql", json=body, headers={"Accept": "text/event-stream"}) as response:
        event = await anext(sse_events(response))
    waiting = {"stage": "REASSEMBLING", "waitsFor": "STORAGE_FULL", "upload": {"waitsFor": "STORAGE_FULL"}}
    assert event["data"]["uploadProgress"] == waiting
