"""Progress as bars that are drawn again and again at the end of a terminal."""

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.progress import BarColumn, Progress, TaskID, TextColumn
from rich.table import Column

from cloudkeep.client.display.display import print_result
from cloudkeep.client.display.progress import Moment

REFRESHES_PER_SECOND = 8
NAME_WIDTH = 28


class RichDisplay:
    """The bars of all files that are on their way. They are drawn while there are any."""

    def __init__(self) -> None:
        self._console = Console(stderr=True)
        self._progress = Progress(*_columns(), console=self._console, auto_refresh=False)
        self._live: Live | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pause()

    def track(self, name: str) -> "RichTrack":
        """See :class:`cloudkeep.client.display.display.Display`."""
        task = self._progress.add_task(name, total=100.0, stage="", pace="")
        self._draw()
        return RichTrack(self, name, task)

    def result(self, file_id: str) -> None:
        """See :class:`cloudkeep.client.display.display.Display`.

        Standard output may be the same terminal: bars step aside.
        """
        self._pause()
        print_result(file_id)
        self._draw()

    def show(self, task: TaskID, moment: Moment) -> None:
        """Show where a file stands."""
        self._progress.update(task, completed=moment.percent, stage=moment.stage, pace=moment.pace)

    def say(self, text: str) -> None:
        """Print a line above the bars."""
        # Soft: a long line is the terminal's to wrap, so that it can be copied whole.
        self._console.print(text, markup=False, highlight=False, emoji=False, soft_wrap=True)

    def end(self, task: TaskID, text: str) -> None:
        """Print a line in place of a bar."""
        self._pause()
        self._progress.remove_task(task)
        self.say(text)
        self._draw()

    def _draw(self) -> None:
        if self._live is None and self._progress.tasks:
            self._live = self._new_live()
            self._live.start(refresh=True)

    def _pause(self) -> None:
        if self._live:
            self._live.stop()
            self._live = None

    def _new_live(self) -> Live:
        return Live(
            self._progress,
            console=self._console,
            refresh_per_second=REFRESHES_PER_SECOND,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )


class RichTrack:
    """The bar of one file."""

    def __init__(self, bars: RichDisplay, name: str, task: TaskID) -> None:
        self._bars = bars
        self._name = name
        self._task = task
        self._noted = ""

    def show(self, moment: Moment) -> None:
        """See :class:`cloudkeep.client.display.progress.Track`."""
        self._bars.show(self._task, moment)

    def note(self, text: str) -> None:
        """See :class:`cloudkeep.client.display.progress.Track`."""
        if text != self._noted:
            self._noted = text
            self._bars.say(f"{self._name}: {text}")

    def end(self, text: str) -> None:
        """See :class:`cloudkeep.client.display.progress.Track`."""
        self._bars.end(self._task, f"{self._name}: {text}")


def _columns() -> list[TextColumn | BarColumn]:
    """Name, stage, bar, percentage, and speed with the time left. Names are shown as they are, never as markup."""
    name = Column(max_width=NAME_WIDTH, no_wrap=True, overflow="ellipsis")
    return [
        TextColumn("{task.description}", markup=False, table_column=name),
        TextColumn("{task.fields[stage]}", markup=False, table_column=Column(no_wrap=True)),
        BarColumn(bar_width=None),
        TextColumn("{task.percentage:>3.0f}%", markup=False),
        TextColumn("{task.fields[pace]}", markup=False, table_column=Column(no_wrap=True)),
    ]
