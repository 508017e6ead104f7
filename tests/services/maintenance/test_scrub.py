"""Scrubbing: every kind of damage is found, nothing else is, and reading is limited to a rate."""

import asyncio
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from services.core.ids import Prefix, encode
from services.maintenance import pages, scrub
from services.maintenance.scrub import Damage, ReadThrottle, Scrubber, Verdict
from storage.accounts.models import Account
from storage.blobs import BLOCK
from storage.drive.models import Blob
from tests.services.conftest import Bench, make_account
from tests.storage.rows import new_version
from tests.support.server import digest

FAST = 2.0**40
CONTENT = os.urandom(2 * BLOCK + 7)


async def scrubbed(bench: Bench) -> list[Verdict]:
    return [verdict async for verdict in Scrubber(bench.store, FAST).scrub()]


async def stored(bench: Bench, folder: Path, key: str, content: bytes = CONTENT) -> Path:
    """Store a blob under this key; returns where its bytes are."""
    (folder / key).write_bytes(content)
    await bench.store.put(key, folder / key)
    await Blob.create(key=key, size=len(content), sha256=digest(content))
    async with bench.store.local_path(key) as path:
        return path


async def test_there_is_nothing_to_scrub_at_first(bench: Bench) -> None:
    assert await scrubbed(bench) == []


async def test_what_is_as_it_was_stored_is_well(bench: Bench, tmp_path: Path) -> None:
    await stored(bench, tmp_path, "0001-large")
    await stored(bench, tmp_path, "0002-small", b"x")
    verdicts = await scrubbed(bench)
    found = [(verdict.key, verdict.size, verdict.damage) for verdict in verdicts]
    assert found == [("0001-large", len(CONTENT), None), ("0002-small", 1, None)]


def flip_a_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def replace_by_a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize(
    ("spoil", "damage"),
    [
        (flip_a_bit, Damage.CHANGED),
        (lambda path: os.truncate(path, len(CONTENT) - 1), Damage.SIZE),
        (lambda path: os.truncate(path, len(CONTENT) + 1), Damage.SIZE),
        (lambda path: os.truncate(path, 0), Damage.SIZE),
        (Path.unlink, Damage.MISSING),
        (replace_by_a_folder, Damage.UNREADABLE),
    ],
    ids=["one bit", "shorter", "longer", "empty", "gone", "a folder"],
)
async def test_damage_is_found_and_the_blobs_after_it_are_still_verified(
    bench: Bench, tmp_path: Path, spoil: Callable[[Path], object], damage: Damage
) -> None:
    spoil(await stored(bench, tmp_path, "0001-spoilt"))
    await stored(bench, tmp_path, "0002-whole")
    first, second = await scrubbed(bench)
    assert (first.key, first.damage) == ("0001-spoilt", damage)
    assert (second.key, second.size, second.damage) == ("0002-whole", len(CONTENT), None)


async def test_damage_is_reported_with_the_names_of_its_files(bench: Bench, tmp_path: Path) -> None:
    flip_a_bit(await stored(bench, tmp_path, "0001-spoilt"))
    account = await Account.get(id=await make_account("ada"))
    blob = await Blob.get(key="0001-spoilt")
    files = [await new_version(account.id, blob, name, "video/mp4") for name in ("a.mp4", "b.mp4")]
    (verdict,) = await scrubbed(bench)
    for file in files:
        assert f"{file.item.name!r} (version {encode(Prefix.VERSION, file.id)})" in verdict.text


async def test_every_page_of_blobs_is_scrubbed(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "PAGE", 2)
    for number in range(5):
        await stored(bench, tmp_path, f"000{number}-blob", b"x")
    assert [verdict.key for verdict in await scrubbed(bench)] == [f"000{number}-blob" for number in range(5)]


async def test_a_scrub_resumes_after_the_given_blob(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "PAGE", 2)
    for number in range(5):
        await stored(bench, tmp_path, f"000{number}-blob", b"x")
    first, *rest = await scrubbed(bench)
    assert [verdict async for verdict in Scrubber(bench.store, FAST).scrub(first.blob_id)] == rest


class Clock:
    """A clock that advances with each sleep, and on request."""

    def __init__(self) -> None:
        self.moment = 100.0

    def monotonic(self) -> float:
        return self.moment

    async def sleep(self, seconds: float) -> None:
        self.moment += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(time, "monotonic", clock.monotonic)
    monkeypatch.setattr(asyncio, "sleep", clock.sleep)
    return clock


async def test_the_pace_is_kept_on_the_average(clock: Clock) -> None:
    throttle = ReadThrottle(1_000)
    for _ in range(50):
        clock.moment += 0.05
        await throttle.take(100)
    assert clock.moment == pytest.approx(100 + 50 * 0.1)


async def test_a_machine_that_slept_does_not_catch_up_in_a_burst(clock: Clock) -> None:
    throttle = ReadThrottle(1_000)
    clock.moment += 3_600
    woken = clock.moment
    for _ in range(50):
        await throttle.take(100)
    assert clock.moment - woken == pytest.approx(5 - scrub.MAX_BURST_SECONDS)
