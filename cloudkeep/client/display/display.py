"""What the person at the terminal sees: progress and remarks on standard error, file IDs on standard output."""

import os
import sys
from types import TracebackType
from typing import Protocol, Self

from cloudkeep.client.display.progress import Track


class Display(Protocol):
    """Shows every file's track while it is entered."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def track(self, name: str) -> Track:
        """A place for one file."""
        ...

    def result(self, file_id: str) -> None:
        """Print one line on standard output."""
        ...


def open_display() -> Display:
    """Bars where they can be drawn, lines elsewhere."""
    if sys.stderr.isatty() and os.environ.get("TERM", "dumb") not in {"dumb", "unknown"}:
        from cloudkeep.client.display.rich_display import RichDisplay

        return RichDisplay()
    from cloudkeep.client.display.plain_display import PlainDisplay

    return PlainDisplay()


def say(text: str) -> None:
    """Print one line on standard error."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def print_result(file_id: str) -> None:
    """Print one line on standard output, at once: a script may be waiting for it."""
    sys.stdout.write(f"{file_id}\n")
    sys.stdout.flush()
