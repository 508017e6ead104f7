"""The output of ``cloudkeep upload``: progress and messages on standard error, file IDs on standard output."""

import os
import sys
from datetime import timedelta
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskProgressColumn, TextColumn
from rich.progress import TransferSpeedColumn as BytesPerSecondColumn
from rich.table import Column
from rich.text import Text

from cloudkeep.client.display.progress import Ended, StageProgress

#: Seconds over which the speed is averaged.
SPEED_SECONDS = 5.0
#: The largest width of a file name in columns. It also takes no more than a quarter of the terminal.
NAME_WIDTH = 28
#: Percent between two progress lines.
STEP = 10


class SpeedColumn(BytesPerSecondColumn):
    """The speed that the server reports, which has another unit for encoding; else bytes per second."""

    def render(self, task: Task) -> Text:
        """The speed; empty while it is unknown."""
        if task.fields["speed"] is None and task.speed:
            return super().render(task)
        return Text(task.fields["speed"] or "", style="progress.data.speed")


class TimeLeftColumn(ProgressColumn):
    """The remaining time, as the server or the client estimates it."""

    def render(self, task: Task) -> Text:
        """The time as h:mm:ss; empty while it is unknown."""
        if task.fields["eta"] is None:
            return Text()
        return Text(str(timedelta(seconds=round(task.fields["eta"]))), style="progress.remaining")


PACE = (SpeedColumn(table_column=Column(no_wrap=True)), TimeLeftColumn(table_column=Column(no_wrap=True)))


class BarTrack:
    """A :class:`cloudkeep.client.display.progress.Track` that is a bar, with its messages above all bars."""

    def __init__(self, bars: Progress, name: str) -> None:
        self._bars = bars
        self._name = name
        self._id = bars.add_task(name, stage="", speed=None, eta=None)
        self._stage = ""
        self._last_note = ""

    def show(self, progress: StageProgress) -> None:
        """See :class:`cloudkeep.client.display.progress.Track`."""
        fields: dict[str, Any] = {"stage": progress.stage, "speed": progress.speed, "eta": progress.eta_seconds}
        if progress.stage != self._stage:
            self._stage = progress.stage
            self._bars.reset(self._id, total=progress.total, completed=int(progress.done), **fields)
        self._bars.update(self._id, completed=progress.done, **fields)

    def note(self, text: str) -> None:
        """See :class:`cloudkeep.client.display.progress.Track`."""
        if text != self._last_note:
            self._last_note = text
            self._print(text)

    def link(self, kind: str, url: str) -> None:
        """Show a URL of the result."""
        self._print(f"{kind}: {url}")

    def end(self, text: str, ended: Ended = Ended.DONE) -> None:
        """Show the result, and nothing afterwards."""
        self._bars.remove_task(self._id)
        self._bars.refresh()
        self._print(text)

    def _print(self, text: str) -> None:
        _print_line(self._bars, f"{self._name}: {text}")


class LineTrack(BarTrack):
    """A track that prints a line for each stage and for every tenth of it."""

    def __init__(self, bars: Progress, name: str) -> None:
        super().__init__(bars, name)
        self._printed = ("", 0)

    def show(self, progress: StageProgress) -> None:
        """See :class:`cloudkeep.client.display.progress.Track`."""
        super().show(progress)
        stage, step = progress.stage, int(progress.percent) // STEP
        if stage != self._printed[0] or step > self._printed[1]:
            self._printed = (stage, step)
            (task,) = (task for task in self._bars.tasks if task.id == self._id)
            texts = [f"{stage.lower()} {progress.percent:.0f} %", *(str(column.render(task)) for column in PACE)]
            self._print("  ".join(filter(None, texts)))


class Display:
    """The tracks of all files. Enter ``bars`` as a context while there are any."""

    def __init__(self, *, bars: bool) -> None:
        console = Console(stderr=True)
        name = Column(max_width=min(NAME_WIDTH, console.width // 4), no_wrap=True, overflow="ellipsis")
        self._track = BarTrack if bars else LineTrack
        self._last_note = ""
        self.bars = Progress(
            TextColumn("{task.description}", markup=False, table_column=name),
            TextColumn("{task.fields[stage]}", markup=False),
            BarColumn(bar_width=None),
            TaskProgressColumn(),
            *PACE,
            console=console,
            speed_estimate_period=SPEED_SECONDS,
            transient=True,
            # If both go to a terminal, file IDs are printed above the bars.
            redirect_stdout=sys.stdout.isatty(),
            redirect_stderr=False,
            disable=not bars,
        )

    def track(self, name: str, _size: int = 0) -> BarTrack:
        """A track for one file, whose progress tells its size. The name is not interpreted as markup."""
        return self._track(self.bars, name)

    def note(self, text: str) -> None:
        """Print a message that is about no file in particular, unless it is the same as the one before."""
        if text != self._last_note:
            self._last_note = text
            _print_line(self.bars, f"cloudkeep: {text}")

    def result(self, file_id: str) -> None:
        """Print the ID of a file, and flush it for a script that waits for it."""
        sys.stdout.write(f"{file_id}\n")
        sys.stdout.flush()


def _print_line(bars: Progress, line: str) -> None:
    """Print above the bars. Soft wrapping leaves a long line to the terminal, so that it can be copied as one line."""
    bars.console.print(line, markup=False, highlight=False, emoji=False, soft_wrap=True)


def open_display() -> Display:
    """A display with bars in a terminal, and with lines elsewhere."""
    return Display(bars=sys.stderr.isatty() and os.environ.get("TERM", "dumb") not in {"dumb", "unknown"})


def print_error(text: str) -> None:
    """Print a line on standard error."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()
