"""Times of one operation."""

import os
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from statistics import median, quantiles
from time import perf_counter

from bench.drive.databases import FilledDatabase

COLUMNS = {
    "database": False,
    "operation": False,
    "runs": True,
    "median ms": True,
    "p95 ms": True,
    "longest ms": True,
    "CPU ms": True,
    "load": True,
}
Call = Callable[[], Awaitable[object]]


def current_load() -> float:
    """The load average over one minute."""
    return os.getloadavg()[0]


@dataclass(frozen=True)
class Timing:
    """The milliseconds of every run of an operation.

    ``cpu_milliseconds`` is the processor time of one run on average, that of the database included; None if other work
    ran beside it. ``load`` is the load average over one minute at the end.
    """

    database: str
    operation: str
    milliseconds: Sequence[float]
    cpu_milliseconds: float | None = None
    load: float = field(default_factory=current_load)

    @property
    def p95(self) -> float:
        """95 of 100 runs took at most this long."""
        if len(self.milliseconds) == 1:
            return self.milliseconds[0]
        return quantiles(self.milliseconds, n=20, method="inclusive")[-1]

    def row(self) -> tuple[str, ...]:
        """Its row of the table."""
        times = (median(self.milliseconds), self.p95, max(self.milliseconds))
        cpu = "" if self.cpu_milliseconds is None else f"{self.cpu_milliseconds:.1f}"
        figures = (*(f"{value:.1f}" for value in times), cpu, f"{self.load:.1f}")
        return self.database, self.operation, str(len(self.milliseconds)), *figures


async def timed(
    database: FilledDatabase,
    operation: str,
    runs: Sequence[Call],
    *,
    before: Call | None = None,
    cpu_seconds: Callable[[], float] | None = None,
) -> Timing:
    """Run each call once and measure it; the first one once more before, so that nothing is cold.

    ``before`` runs before each call and is not measured. ``cpu_seconds`` is for other processes than that of the
    benchmark and those of the database.
    """
    milliseconds, spent, cpu = [], 0.0, cpu_seconds or database.cpu_seconds
    for run in (runs[0], *runs):
        if before:
            await before()
        cpu_before, start = cpu(), perf_counter()
        await run()
        milliseconds.append((perf_counter() - start) * 1000)
        spent += cpu() - cpu_before
        if len(milliseconds) == 1:
            first = spent
    return Timing(database.kind, operation, milliseconds[1:], (spent - first) * 1000 / len(runs))
