"""The frames of a watcher: never backwards, not too many, with a meaningful rate."""

from dataclasses import replace
from uuid import UUID

import pytest

from services.uploads.progress.frame import ProgressFrame, bytes_frame
from services.uploads.progress.throttle import FRAME_SECONDS, FrameThrottle
from storage.uploads.models import UploadStatus

RECEIVING, REASSEMBLING, COMPRESSING = UploadStatus.RECEIVING, UploadStatus.REASSEMBLING, UploadStatus.COMPRESSING
FINAL = [status for status in UploadStatus if status.is_final]
ID = UUID(int=1)


class Clock:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.moment = 1_000.0

    def monotonic(self) -> float:
        return self.moment


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    given = Clock()
    monkeypatch.setattr("services.uploads.progress.throttle.time", given)
    return given


@pytest.fixture
def throttle(clock: Clock) -> FrameThrottle:
    return FrameThrottle()


def frame(stage: UploadStatus = RECEIVING, percent: float = 0.0) -> ProgressFrame:
    """A frame of a file of 1,000 bytes."""
    return bytes_frame(ID, stage, int(percent * 10), 1_000)


def show(throttle: FrameThrottle, offered: ProgressFrame) -> ProgressFrame | None:
    throttle.offer(offered)
    return throttle.due()


def test_the_first_frame_is_shown_at_once(throttle: FrameThrottle) -> None:
    assert not throttle.waiting
    assert show(throttle, frame(percent=5)) == frame(percent=5)
    assert not throttle.waiting


def test_a_wait_and_its_end_are_shown_and_nothing_goes_back(throttle: FrameThrottle, clock: Clock) -> None:
    show(throttle, frame(COMPRESSING, 40))
    waiting = replace(frame(COMPRESSING, 40), waits_for="STORAGE_FULL")
    for offered, shown in ((waiting, waiting), (waiting, None), (frame(COMPRESSING, 1), frame(COMPRESSING, 40))):
        clock.moment += FRAME_SECONDS
        found = show(throttle, offered)
        assert (found and (found.percent, found.waits_for)) == (shown and (shown.percent, shown.waits_for))


def test_frames_of_a_stage_keep_their_distance(throttle: FrameThrottle, clock: Clock) -> None:
    show(throttle, frame(REASSEMBLING))
    assert show(throttle, frame(REASSEMBLING, 10)) is None
    assert throttle.waiting
    clock.moment += FRAME_SECONDS * 0.99
    assert throttle.due() is None
    clock.moment += FRAME_SECONDS * 0.02
    assert throttle.due() == frame(REASSEMBLING, 10)
    assert throttle.due() is None


def test_the_newest_of_many_frames_is_shown(throttle: FrameThrottle, clock: Clock) -> None:
    show(throttle, frame(REASSEMBLING))
    for percent in range(1, 50):
        assert show(throttle, frame(REASSEMBLING, percent)) is None
    clock.moment += FRAME_SECONDS
    assert throttle.due() == frame(REASSEMBLING, 49)


def test_within_a_stage_nothing_goes_back(throttle: FrameThrottle, clock: Clock) -> None:
    show(throttle, frame(REASSEMBLING, 50))
    clock.moment += FRAME_SECONDS
    assert show(throttle, frame(REASSEMBLING, 49.9)) is None
    assert show(throttle, frame(REASSEMBLING, 50)) is None
    assert not throttle.waiting


def test_a_frame_that_waits_is_not_replaced_by_an_older_one(throttle: FrameThrottle, clock: Clock) -> None:
    show(throttle, frame(REASSEMBLING, 50))
    show(throttle, frame(REASSEMBLING, 60))
    show(throttle, frame(REASSEMBLING, 55))
    clock.moment += FRAME_SECONDS
    assert throttle.due() == frame(REASSEMBLING, 60)


@pytest.mark.parametrize("stage", [REASSEMBLING, *FINAL])
def test_another_stage_is_shown_at_once(stage: UploadStatus, throttle: FrameThrottle) -> None:
    show(throttle, frame(RECEIVING, 99))
    show(throttle, frame(RECEIVING, 100))
    assert show(throttle, frame(stage)) == frame(stage)


def test_a_new_stage_begins_at_its_own_percentage(throttle: FrameThrottle, clock: Clock) -> None:
    show(throttle, frame(REASSEMBLING, 100))
    show(throttle, frame(COMPRESSING, 1))
    clock.moment += FRAME_SECONDS
    assert show(throttle, frame(COMPRESSING, 2)) == frame(COMPRESSING, 2)


def test_an_earlier_stage_leads_back(throttle: FrameThrottle) -> None:
    assert not throttle.goes_back(frame(RECEIVING))
    show(throttle, frame(REASSEMBLING))
    assert throttle.goes_back(frame(RECEIVING, 100))
    assert not throttle.goes_back(frame(REASSEMBLING))
    assert not throttle.goes_back(frame(COMPRESSING))
    assert not throttle.goes_back(frame(UploadStatus.FAILED))


def test_a_reopened_slot_may_show_less_than_was_received_before(throttle: FrameThrottle) -> None:
    show(throttle, frame(RECEIVING, 95))
    show(throttle, frame(REASSEMBLING, 40))
    assert show(throttle, frame(RECEIVING, 90)) == frame(RECEIVING, 90)


def test_the_timeout_ends_when_the_frame_that_waits_is_due(throttle: FrameThrottle, clock: Clock) -> None:
    show(throttle, frame(REASSEMBLING))
    assert throttle.timeout() is None
    show(throttle, frame(REASSEMBLING, 10))
    clock.moment += 0.1
    assert throttle.timeout() == pytest.approx(FRAME_SECONDS - 0.1)
    clock.moment += 10
    assert throttle.timeout() == 0


def test_the_rate_of_arrival_is_bytes_per_second(throttle: FrameThrottle, clock: Clock) -> None:
    first = show(throttle, frame(percent=10))
    assert first
    assert (first.speed, first.eta_seconds) == (None, None)
    clock.moment += 2
    second = show(throttle, frame(percent=30))
    assert second
    assert second.speed == pytest.approx(100)


def test_the_rate_of_arrival_is_that_of_the_last_seconds(throttle: FrameThrottle, clock: Clock) -> None:
    for percent in [*range(0, 50, 10), *range(50, 70)]:
        clock.moment += 1
        last = show(throttle, frame(percent=percent))
    assert last
    assert last.speed == pytest.approx(10)


def test_chunks_that_are_far_apart_have_a_rate_too(throttle: FrameThrottle, clock: Clock) -> None:
    """16 MiB at 10 Mbit/s take 13 seconds."""
    for percent in (0, 13, 26, 39):
        shown = show(throttle, frame(percent=percent))
        clock.moment += 13
    assert shown
    assert [shown.speed, shown.eta_seconds] == pytest.approx([10, 61])


def test_a_reopened_upload_has_no_rate_from_before(throttle: FrameThrottle, clock: Clock) -> None:
    show(throttle, frame(percent=100))
    clock.moment += 1
    show(throttle, frame(REASSEMBLING))
    clock.moment += 1
    again = show(throttle, frame(percent=90))
    assert again
    assert again.speed is None


def test_frames_survive_the_event_log() -> None:
    payload = ProgressFrame(ID, COMPRESSING, 12.5, 1, 8, speed=2.0, cursor="1-1").to_payload()
    assert payload == {
        "stage": "COMPRESSING",
        "percent": 12.5,
        "bytesDone": 1,
        "bytesTotal": 8,
        "speed": 2.0,
        "waitsFor": None,
    }


def test_a_moving_frame_knows_its_speed() -> None:
    moved = bytes_frame(ID, REASSEMBLING, 250, 1_000, speed=125.0)
    assert (moved.percent, moved.speed) == (25.0, 125.0)


@pytest.mark.parametrize("stage", [REASSEMBLING, COMPRESSING])
def test_the_time_left_is_that_of_the_stage(stage: UploadStatus, throttle: FrameThrottle, clock: Clock) -> None:
    show(throttle, frame(UploadStatus.RECEIVING, 90))
    known = []
    for percent in range(0, 50, 10):
        clock.moment += 1
        shown = show(throttle, frame(stage, percent))
        known.append(shown and shown.eta_seconds)
    assert known[:3] == [None, None, None]
    assert known[3:] == pytest.approx([7, 6])


def test_what_waits_has_no_time_left(throttle: FrameThrottle, clock: Clock) -> None:
    for percent in range(0, 50, 10):
        clock.moment += 1
        show(throttle, frame(COMPRESSING, percent))
    clock.moment += 1
    waiting = show(throttle, replace(frame(COMPRESSING, 50), waits_for="STORAGE_FULL"))
    assert waiting
    assert waiting.eta_seconds is None
    clock.moment += 1
    again = show(throttle, frame(COMPRESSING, 60))
    assert again
    assert again.eta_seconds is None
