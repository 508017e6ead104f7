"""Delays of one process: they do not grow without end."""

import pytest

from storage.attempt_delays import Counter, DelayRule, LocalDelays

RULE = DelayRule(1, 1_000.0, 3_600.0, 3_600.0, 1_000.0)


async def test_the_least_recently_used_counters_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storage.attempt_delays.local.MAX_COUNTERS", 3)
    delays = LocalDelays()
    clients = [Counter(f"client {number}", RULE) for number in range(10)]
    for client in clients:
        assert await delays.begin(client) == 0
    assert await delays.begin(clients[-1]) > 0
    assert await delays.begin(clients[0]) == 0
