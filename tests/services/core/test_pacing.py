"""Long work in many transactions pauses after each, so that other processes can write."""

from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from services.core import pacing
from services.core.pacing import LEAST_PAUSE, paced


async def step() -> str:
    return "done"


@pytest.mark.parametrize(("seconds", "pause"), [(3.0, 3.0), (0.0, LEAST_PAUSE)])
async def test_the_pause_is_as_long_as_the_step(monkeypatch: pytest.MonkeyPatch, seconds: float, pause: float) -> None:
    times: Iterator[float] = iter([10.0, 10.0 + seconds])
    slept = []

    async def sleep(duration: float) -> None:
        slept.append(duration)

    monkeypatch.setattr(pacing, "time", SimpleNamespace(monotonic=lambda: next(times)))
    monkeypatch.setattr(pacing, "asyncio", SimpleNamespace(sleep=sleep))
    assert await paced(step()) == "done"
    assert slept == [pause]
