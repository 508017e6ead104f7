"""The sweeper's work on rows: receipts, uploads and jobs of dead uploads."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from services.core.clock import now
from services.maintenance.sweeper import Sweeper
from storage.jobs.models import Job, JobKind
from storage.uploads import purge
from storage.uploads.models import Chunk, Upload, UploadStatus
from tests.services.conftest import Bench, a_file
from tests.services.maintenance.conftest import sweep_for_ever, upload_with
from tests.storage.rows import filled_indexes, receive

S = UploadStatus


async def receive_all(upload: Upload) -> None:
    for index in range(upload.chunk_count):
        await receive(upload, index, upload.expires_at)


DEAD: list[dict[str, Any]] = [
    {"status": S.ABORTED},
    {"status": S.EXPIRED},
    {"status": S.FAILED, "error_code": "CHECKSUM_MISMATCH"},
]
ALIVE: list[dict[str, Any]] = [
    {"status": S.RECEIVING},
    {"status": S.REASSEMBLING},
    {"status": S.COMPRESSING},
    {"status": S.READY},
    {"status": S.FAILED, "error_code": "INTERNAL"},
]


async def test_receipts_go_with_the_bytes_they_speak_of_and_no_others(
    bench: Bench, ada: UUID, sweeper: Sweeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(purge, "BATCH", 3)
    uploads = []
    for changes in [*DEAD, *ALIVE]:
        upload = await bench.uploads.init(ada, a_file(65_536 * 7))
        await receive_all(upload)
        await Upload.filter(id=upload.id).update(**changes)
        uploads.append(upload.id)
    await sweeper.sweep()
    found = {row["upload_id"] for row in await Chunk.all().values("upload_id")}
    assert found == set(uploads[len(DEAD) :])
    assert await Chunk.all().count() == 7 * len(ALIVE)
    counted = [(row.received_chunks > 0, row.received_bytes > 0) for row in await Upload.all().order_by("id")]
    assert counted == [(False, False)] * len(DEAD) + [(True, True)] * len(ALIVE)


async def test_a_dead_upload_is_remembered_for_a_month_after_its_time_and_then_forgotten_with_its_jobs(
    bench: Bench, ada: UUID, sweeper: Sweeper
) -> None:
    old, young = now() - timedelta(days=30, minutes=1), now() - timedelta(days=29)
    kept = []
    for changes, moment in [*((c, old) for c in [*DEAD, *ALIVE[1:-1]]), *((c, young) for c in DEAD)]:
        upload = await upload_with(bench, ada, **changes, expires_at=moment)
        await Job.create(kind=JobKind.REASSEMBLE, subject_id=upload.id, run_after=now())
        if changes in ALIVE or moment is young:
            kept.append(upload.id)
    await sweeper.sweep()
    assert sorted([row.id for row in await Upload.all()]) == sorted(kept)
    assert sorted([row.subject_id for row in await Job.all()]) == sorted(kept)


async def test_more_dead_uploads_than_are_taken_at_once_are_all_forgotten(
    bench: Bench, ada: UUID, sweeper: Sweeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.maintenance.sweeper.BATCH", 2)
    for _ in range(5):
        for expires_at in (now() - timedelta(days=31), now()):
            upload = await bench.uploads.init(ada, a_file())
            await receive_all(upload)
            await Upload.filter(id=upload.id).update(status=S.ABORTED, expires_at=expires_at)
    await sweeper.sweep()
    assert (await Upload.all().count(), await Chunk.all().count()) == (5, 0)


async def test_an_upload_that_receives_meanwhile_keeps_every_receipt(bench: Bench, ada: UUID, sweeper: Sweeper) -> None:
    upload = await bench.uploads.init(ada, a_file(65_536 * 40))
    sweeping = asyncio.create_task(sweep_for_ever(sweeper))
    for index in range(upload.chunk_count):
        await receive(upload, index, upload.expires_at)
        await upload_with(bench, ada, status=S.ABORTED)
    sweeping.cancel()
    await asyncio.wait({sweeping})
    assert await filled_indexes(upload.id) == list(range(40))
