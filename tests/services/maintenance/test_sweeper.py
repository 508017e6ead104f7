"""The sweeper: dead uploads are deleted, those that may be needed stay, whatever was killed in between."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from uuid_utils.compat import uuid7

from cloudkeep.resources import clock_file
from cloudkeep.resources.clock_sync import synchronized_clock
from services.core.clock import now
from services.maintenance.garbage import derived_key
from services.maintenance.sweeper import Sweeper
from storage.database.connection import atomically
from storage.jobs import jobs
from storage.jobs.models import JobKind
from storage.uploads import new_uploads
from storage.uploads.models import Upload, UploadStatus
from storage.uploads.new_uploads import Draft
from tests.services.conftest import Bench, a_file
from tests.services.maintenance.conftest import sweep_for_ever, upload_with
from tests.support.clock import Clocks
from tests.support.file_age import set_age

S = UploadStatus


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "blobs"


def staged(root: Path) -> set[str]:
    return {path.name for path in (root / "staging").iterdir()}


@pytest.mark.parametrize(
    "changes",
    [{"status": S.ABORTED}, {"status": S.EXPIRED}, {"status": S.FAILED, "error_code": "CHECKSUM_MISMATCH"}],
    ids=["aborted", "expired", "not the declared file"],
)
async def test_what_a_crash_left_of_a_dead_upload_is_removed_at_once(
    bench: Bench, ada: UUID, sweeper: Sweeper, root: Path, changes: dict[str, Any]
) -> None:
    upload = await upload_with(bench, ada, **changes)
    assert await sweeper.sweep() == 1
    assert staged(root) == set()
    assert await Upload.exists(id=upload.id)


@pytest.mark.parametrize(
    "changes",
    [
        {"status": S.RECEIVING},
        {"status": S.REASSEMBLING},
        {"status": S.COMPRESSING},
        {"status": S.READY},
        {"status": S.FAILED, "error_code": "INTERNAL"},
    ],
    ids=["receiving", "reassembling", "compressing", "ready", "failed by an internal error"],
)
async def test_an_upload_that_is_not_dead_keeps_its_bytes_however_old_they_are(
    bench: Bench, ada: UUID, sweeper: Sweeper, root: Path, changes: dict[str, Any]
) -> None:
    upload = await upload_with(bench, ada, **changes)
    set_age(root, str(upload.id), hours=24 * 6)
    assert await sweeper.sweep() == 0
    assert staged(root) == {str(upload.id)}


async def test_an_upload_that_was_not_the_declared_file_stays_failed_after_its_time(
    bench: Bench, ada: UUID, sweeper: Sweeper
) -> None:
    past = now() - timedelta(days=1)
    upload = await upload_with(bench, ada, status=S.FAILED, error_code="CHECKSUM_MISMATCH", expires_at=past)
    await sweeper.sweep()
    assert (await Upload.get(id=upload.id)).status is S.FAILED


async def test_every_upload_whose_time_is_over_is_closed_in_one_sweep(
    bench: Bench, ada: UUID, sweeper: Sweeper, root: Path
) -> None:
    for _ in range(110):
        await bench.uploads.init(ada, a_file(1))
    await Upload.all().update(expires_at=now() - timedelta(seconds=1))
    await sweeper.sweep()
    assert await Upload.filter(status=S.EXPIRED).count() == 110
    assert staged(root) == set()


async def test_bytes_without_a_row_are_removed_after_an_hour(bench: Bench, sweeper: Sweeper, root: Path) -> None:
    """A crash between the staging area and its row."""
    old, young = str(uuid7()), str(uuid7())
    for key in (old, young):
        await bench.store.stage(key, 1_000)
    set_age(root, old)
    assert await sweeper.sweep() == 1
    assert staged(root) == {young}


async def test_what_a_killed_compression_was_about_to_store_is_removed_after_an_hour(
    bench: Bench, sweeper: Sweeper, root: Path
) -> None:
    old, young = f"{derived_key(uuid4())}.put", f"{derived_key(uuid4())}.put"
    for key in (old, young):
        await bench.store.stage(key, 1_000)
    set_age(root, old)
    assert await sweeper.sweep() == 1
    assert staged(root) == {young}


async def test_what_a_running_compression_is_about_to_store_stays_however_long_it_takes(
    bench: Bench, sweeper: Sweeper, root: Path
) -> None:
    await atomically(lambda: jobs.enqueue(JobKind.COMPRESS, uuid7(), now()))
    job = await jobs.claim([JobKind.COMPRESS], "worker", timedelta(seconds=60), now())
    assert job
    assert job.lease_token
    key = f"{derived_key(job.lease_token)}.put"
    await bench.store.stage(key, 1_000)
    set_age(root, key)
    assert await sweeper.sweep() == 0
    await jobs.finish(job)
    assert await sweeper.sweep() == 1


async def put(bench: Bench, key: str, root: Path, *, hours: float = 2) -> None:
    source = root / "made"
    source.write_bytes(b"compressed")
    await bench.store.put(key, source)
    set_age(root, key, hours=hours)


async def test_what_a_killed_compression_had_stored_already_is_removed_after_an_hour(
    bench: Bench, sweeper: Sweeper, root: Path
) -> None:
    old, young = derived_key(uuid4()), derived_key(uuid4())
    await put(bench, old, root)
    await put(bench, young, root, hours=0.5)
    assert await sweeper.sweep_derived() == 1
    assert [found.key async for found in bench.store.blobs()] == [young]


async def test_what_a_running_compression_has_stored_waits_for_its_row(
    bench: Bench, sweeper: Sweeper, root: Path
) -> None:
    await atomically(lambda: jobs.enqueue(JobKind.COMPRESS, uuid4(), now()))
    job = await jobs.claim([JobKind.COMPRESS], "test", timedelta(minutes=1), now())
    assert job
    assert job.lease_token
    await put(bench, derived_key(job.lease_token), root)
    assert await sweeper.sweep_derived() == 0


async def test_an_original_is_never_swept_even_if_no_row_knows_it(bench: Bench, sweeper: Sweeper, root: Path) -> None:
    await put(bench, str(uuid7()), root)
    assert await sweeper.sweep_derived() == 0


async def test_a_file_with_a_name_that_is_none_of_ours_is_left_alone(sweeper: Sweeper, root: Path) -> None:
    for name in ("README", "0" * 32, "x.put"):
        (root / "staging" / name).touch()
    set_age(root, "*")
    assert await sweeper.sweep() == 0
    assert len(staged(root)) == 3


async def test_an_init_in_progress_is_not_disturbed(bench: Bench, ada: UUID, sweeper: Sweeper) -> None:
    """A staging area exists for a moment before its row."""
    sweeping = asyncio.create_task(sweep_for_ever(sweeper))
    uploads = await asyncio.gather(*(bench.uploads.init(ada, a_file()) for _ in range(40)))
    sweeping.cancel()
    await asyncio.wait({sweeping})
    assert {found.key async for found in bench.store.staging_areas()} == {str(upload.id) for upload in uploads}


async def test_an_init_that_was_swept_over_before_its_row_was_there_takes_chunks(
    bench: Bench, ada: UUID, sweeper: Sweeper
) -> None:
    upload = await bench.uploads.init(ada, a_file(1_000))
    await Upload.filter(id=upload.id).delete()
    await sweeper.sweep()
    await new_uploads.insert_all(upload.account_id, [Draft(upload)], now())
    async with bench.store.slot(str(upload.id), 0, 1_000) as writer:
        await writer.write([b"x" * 1_000])


async def test_a_writer_in_an_upload_that_is_aborted_and_swept_ends_in_peace(
    bench: Bench, ada: UUID, sweeper: Sweeper, root: Path
) -> None:
    upload = await upload_with(bench, ada)
    async with bench.store.slot(str(upload.id), 0, 65_536) as writer:
        await Upload.filter(id=upload.id).update(status=S.ABORTED)
        assert await sweeper.sweep() == 1
        await writer.write([b"x" * 65_536])
        await writer.finish()
    assert staged(root) == set()


async def test_what_cannot_be_removed_does_not_keep_the_rest(
    bench: Bench, sweeper: Sweeper, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = [str(uuid7()) for _ in range(3)]
    for key in keys:
        await bench.store.stage(key, 1)
    set_age(root, *keys)
    discard = bench.store.discard

    async def refuse_the_first(key: str) -> None:
        if key == keys[0]:
            raise PermissionError
        await discard(key)

    monkeypatch.setattr(bench.store, "discard", refuse_the_first)
    assert await sweeper.sweep() == 2
    assert staged(root) == {keys[0]}


async def test_a_store_that_asks_for_a_pause_is_not_listed_again_meanwhile(
    bench: Bench, ada: UUID, sweeper: Sweeper, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(bench.store), "listing_pause", 900.0)
    await sweeper.sweep()
    await upload_with(bench, ada, status=S.ABORTED)
    assert await sweeper.sweep() == 0
    monkeypatch.setattr(type(bench.store), "listing_pause", 0.0)
    assert await Sweeper(bench.store, bench.uploads).sweep() == 1


async def test_two_sweepers_at_once_do_no_harm(bench: Bench, ada: UUID, sweeper: Sweeper, root: Path) -> None:
    for _ in range(20):
        await upload_with(bench, ada, status=S.ABORTED)
    alive = await upload_with(bench, ada)
    await asyncio.gather(sweeper.sweep(), Sweeper(bench.store, bench.uploads).sweep())
    assert staged(root) == {str(alive.id)}


@pytest.mark.parametrize("days", [8, -8])
async def test_bytes_whose_row_is_not_stored_yet_stay_on_a_host_with_a_wrong_clock(
    tmp_path: Path, bench: Bench, sweeper: Sweeper, root: Path, clocks: Clocks, days: int
) -> None:
    """The disk has the time of the host."""
    key = str(uuid7())
    await bench.store.stage(key, 1, 1)
    clocks.host = timedelta(days=days)
    async with synchronized_clock(tmp_path / clock_file.NAME):
        set_age(root, key, hours=-24 * days)
        assert await sweeper.sweep() == 0
