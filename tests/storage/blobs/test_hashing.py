"""Blocks on threads: how many are processed at the same time."""

import os
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from storage.blobs import Buffer, LocalBlobStore
from storage.blobs.local.slot_writer import LocalSlotWriter

AT_ONCE = os.cpu_count() or 1
WRITERS = AT_ONCE + 3


class Counter:
    """How many blocks are being stored, and how many were at most."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._now = 0
        self.most = 0
        self.bytes = 0

    def store(self, _: LocalSlotWriter, parts: Sequence[Buffer], position: int) -> None:
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)
        # Long enough for all other threads to start.
        time.sleep(0.01)
        with self._lock:
            self._now -= 1
            self.bytes += sum(map(len, parts))


async def test_no_more_blocks_are_worked_on_at_once_than_there_are_processors(
    store: LocalBlobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    counter = Counter()
    monkeypatch.setattr(LocalSlotWriter, "_store", lambda *given: counter.store(*given))
    area = await store.stage("key", WRITERS)
    async with store.slot(area, 0, WRITERS) as writer:
        with ThreadPoolExecutor(WRITERS) as pool:
            for done in [pool.submit(writer.store, b".") for _ in range(WRITERS)]:
                done.result()
    assert (counter.most, counter.bytes) == (AT_ONCE, WRITERS)
