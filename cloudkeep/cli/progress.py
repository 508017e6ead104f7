"""A progress bar for bytes; without a terminal, a line for every tenth of them."""

from collections.abc import Iterator
from contextlib import contextmanager

from cloudkeep.client.display.display import open_display
from cloudkeep.client.display.progress import ByteCounter


class ByteProgress:
    """Counts the bytes that are done, and shows them while :meth:`shown` is entered."""

    def __init__(self, name: str, stage: str) -> None:
        self._name = name
        self._stage = stage
        self._done = 0
        self._counter: ByteCounter | None = None

    def add(self, count: int) -> None:
        """Count more bytes."""
        self._done += count
        if self._counter:
            self._counter.update(self._done)

    @contextmanager
    def shown(self, total: int) -> Iterator[None]:
        """Show the progress towards ``total`` bytes during the block; nothing if there are none."""
        if not total:
            yield
            return
        display = open_display()
        with display.bars:
            self._counter = ByteCounter(display.track(self._name), self._stage, total)
            try:
                yield
            finally:
                self._counter = None
