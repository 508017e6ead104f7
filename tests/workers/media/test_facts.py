"""Tests of parsing ffprobe's output."""

from typing import Any

import pytest

from workers.media.facts import read_facts

VIDEO = {"codec_type": "video", "codec_name": "h264", "width": 640, "height": 272, "avg_frame_rate": "30000/1001"}
SOUND = {"codec_type": "audio", "codec_name": "aac"}


def _answer(*streams: dict[str, Any], **container: Any) -> dict[str, Any]:
    return {"format": {"format_name": "mov,mp4,m4a,3gp,3g2,mj2", **container}, "streams": list(streams)}


@pytest.mark.parametrize("answer", [{}, _answer(), _answer({"codec_type": "subtitle"}), _answer(SOUND, probe_score=1)])
def test_nothing_to_play_is_no_media(answer: dict[str, Any]) -> None:
    assert read_facts(answer) is None


@pytest.mark.parametrize("flag", ["attached_pic", "timed_thumbnails", "still_image"])
def test_a_picture_is_not_a_video(flag: str) -> None:
    facts = read_facts(_answer(VIDEO | {"disposition": {flag: 1}}, SOUND))
    assert facts
    assert (facts.is_video, facts.width, facts.audio_codec) == (False, None, "aac")


@pytest.mark.parametrize("text", ["N/A", "", "0", "-1", "nan", "inf", "1e999", "0/0", "one/two", None])
def test_a_number_that_says_nothing_is_none(text: str | None) -> None:
    facts = read_facts(_answer(VIDEO | {"avg_frame_rate": text}, duration=text, bit_rate=text))
    assert facts
    assert (facts.frame_rate, facts.duration, facts.bit_rate) == (None, None, None)


@pytest.mark.parametrize(
    ("angle", "size"), [(90, (272, 640)), (-90, (272, 640)), ("180", (640, 272)), ("x", (640, 272))]
)
def test_the_size_is_the_displayed_one(angle: object, size: tuple[int, int]) -> None:
    for rotated in ({"side_data_list": [{}, {"rotation": angle}]}, {"tags": {"rotate": angle}}):
        facts = read_facts(_answer(VIDEO | rotated))
        assert facts
        assert (facts.width, facts.height) == size


def test_the_stream_tells_the_duration_when_the_container_does_not() -> None:
    facts = read_facts(_answer(VIDEO | {"duration": "10.5"}))
    assert facts
    assert facts.duration == 10.5


@pytest.mark.parametrize(
    ("names", "brand", "container"),
    [
        ("mov,mp4,m4a,3gp,3g2,mj2", "isom", "mp4"),
        ("mov,mp4,m4a,3gp,3g2,mj2", "qt  ", "mov"),
        ("matroska,webm", "", "matroska"),
    ],
)
def test_the_container_has_one_name(names: str, brand: str, container: str) -> None:
    facts = read_facts(_answer(VIDEO, format_name=names, tags={"major_brand": brand}))
    assert facts
    assert facts.container == container
