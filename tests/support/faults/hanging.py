"""A Valkey that hangs: it accepts connections and commands, and answers nothing."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Protocol


class Process(Protocol):
    """A Valkey, ours or any other."""

    @property
    def pid(self) -> int | None:
        """The process that was started most recently."""


@contextmanager
def hanging(valkey: Process) -> Iterator[None]:
    """Stop ``valkey`` for the block; it may be killed there."""
    assert valkey.pid
    os.kill(valkey.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        with suppress(ProcessLookupError):
            os.kill(valkey.pid, signal.SIGCONT)
