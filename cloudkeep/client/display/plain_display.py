"""Progress as plain lines: one for each stage, and one for every tenth of it."""

from types import TracebackType
from typing import Self

from cloudkeep.client.display.display import print_result, say
from cloudkeep.client.display.progress import Moment

STEP = 10  # percent


class PlainTrack:
    """The lines of one file."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._stage = ""
        self._step = 0
        self._noted = ""

    def show(self, moment: Moment) -> None:
        """See :class:`cloudkeep.client.display.progress.Track`."""
        step = int(moment.percent) // STEP
        if moment.stage != self._stage:
            self._stage, self._step = moment.stage, step
        elif step <= self._step:
            return
        self._step = step
        pace = f"  {moment.pace}" if moment.pace else ""
        self._say(f"{moment.stage.lower()} {moment.percent:.0f} %{pace}")

    def note(self, text: str) -> None:
        """See :class:`cloudkeep.client.display.progress.Track`."""
        if text != self._noted:
            self._noted = text
            self._say(text)

    def end(self, text: str) -> None:
        """See :class:`cloudkeep.client.display.progress.Track`."""
        self._say(text)

    def _say(self, text: str) -> None:
        say(f"{self._name}: {text}")


class PlainDisplay:
    """Nothing to draw, so nothing to begin or end."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return

    def track(self, name: str) -> PlainTrack:
        """See :class:`cloudkeep.client.display.display.Display`."""
        return PlainTrack(name)

    def result(self, file_id: str) -> None:
        """See :class:`cloudkeep.client.display.display.Display`."""
        print_result(file_id)
