"""Tests of the facts of a video and the options of its compression."""

import json
from dataclasses import replace

import pytest

from services.core.errors import InvalidInput
from services.media.types import Compression, CompressionPreset, MediaFacts

CLIP = MediaFacts(5.312, 1280, 720, 25.0, "h264", "aac", 1_589_963, "mp4")


@pytest.mark.parametrize("height", [None, 144, 720, 4320])
def test_a_sensible_height_is_taken(height: int | None) -> None:
    assert Compression(CompressionPreset.FAST, height).validated().max_height == height


@pytest.mark.parametrize("height", [-720, 0, 142, 143, 721, 4322])
def test_an_odd_or_senseless_height_is_refused_by_name(height: int) -> None:
    with pytest.raises(InvalidInput, match="even number from 144 to 4320") as refusal:
        Compression(CompressionPreset.FAST, height).validated()
    assert refusal.value.field == "compress.maxHeight"


@pytest.mark.parametrize(
    "wish", [Compression(preset, height) for preset in CompressionPreset for height in (None, 480)]
)
def test_a_wish_survives_a_json_column(wish: Compression) -> None:
    assert Compression.from_json(json.loads(json.dumps(wish.to_json()))) == wish


@pytest.mark.parametrize("facts", [CLIP, MediaFacts(None, None, None, None, None, None, None, "ogg")])
def test_facts_survive_a_json_column(facts: MediaFacts) -> None:
    assert MediaFacts.from_json(json.loads(json.dumps(facts.to_json()))) == facts


def test_facts_of_another_release_are_read_as_far_as_they_are_known() -> None:
    stored = {"width": 640, "colour_space": "bt709", "duration": "5.3"}
    assert MediaFacts.from_json(stored) == MediaFacts(None, 640, None, None, None, None, None, "unknown")


def test_only_a_picture_of_known_size_is_a_video() -> None:
    assert CLIP.is_video
    assert not replace(CLIP, video_codec=None).is_video
    assert not replace(CLIP, width=None).is_video
