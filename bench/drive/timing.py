"""Times of one operation."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from statistics import median, quantiles
from time import perf_counter

COLUMNS = {"database": False, "operation": False, "runs": True, "median ms": True, "p95 ms": True, "longest ms": True}


@dataclass(frozen=True)
class Timing:
    """The milliseconds of every run of an operation."""

    database: str
    operation: str
    milliseconds: Sequence[float]

    @property
    def p95(self) -> float:
        """95 of 100 runs took at most this long."""
        return quantiles(self.milliseconds, n=20, method="inclusive")[-1]

    def row(self) -> tuple[str, ...]:
        """Its row of the table."""
        times = (median(self.milliseconds), self.p95, max(self.milliseconds))
        return self.database, self.operation, str(len(self.milliseconds)), *(f"{value:.1f}" for value in times)


async def timed(database: str, operation: str, runs: Sequence[Callable[[], Awaitable[object]]]) -> Timing:
    """Run each call once and measure it; the first one once more before, so that nothing is cold."""
    await runs[0]()
    milliseconds = []
    for run in runs:
        start = perf_counter()
        await run()
        milliseconds.append((perf_counter() - start) * 1000)
    return Timing(database, operation, milliseconds)
