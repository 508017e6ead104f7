"""Tests of parsing ffmpeg's reports."""

import asyncio

from workers.media.progress import EncodeProgress, advance, blocks, out_time

START = EncodeProgress(0.0, None, 0)
REPORT = {"total_size": "262192", "out_time_us": "2500000", "speed": " 4.0x", "progress": "continue"}


async def test_a_report_ends_with_its_progress_line() -> None:
    stream = asyncio.StreamReader()
    stream.feed_data(b"frame=1\nspeed=   2x\nprogress=continue\nframe=2\nprogress=end\nframe=3\n")
    stream.feed_eof()
    expected = [{"frame": "1", "speed": "   2x", "progress": "continue"}, {"frame": "2", "progress": "end"}]
    assert [block async for block in blocks(stream)] == expected


def test_a_report_tells_percent_speed_and_size() -> None:
    assert advance(START, REPORT, duration=10.0) == EncodeProgress(25.0, 4.0, 262192)


def test_before_the_first_frame_nothing_is_known() -> None:
    unknown = {"total_size": "N/A", "out_time_us": "N/A", "speed": "N/A"}
    assert advance(START, unknown, duration=10.0) == START
    assert out_time(unknown) is None


def test_a_time_before_zero_is_no_time() -> None:
    assert advance(START, REPORT | {"out_time_us": "-40000"}, duration=10.0).percent == 0


def test_a_source_of_unknown_length_tells_only_speed_and_size() -> None:
    assert advance(START, REPORT, duration=None) == EncodeProgress(0.0, 4.0, 262192)


def test_progress_never_goes_back_and_keeps_its_speed() -> None:
    later = advance(
        advance(START, REPORT, 10.0), REPORT | {"out_time_us": "0", "speed": "N/A", "total_size": "0"}, 10.0
    )
    assert later == EncodeProgress(25.0, 4.0, 262192)


def test_a_video_longer_than_it_said_is_not_done_early() -> None:
    assert advance(START, REPORT, duration=2.0) == EncodeProgress(99.9, 4.0, 262192)
