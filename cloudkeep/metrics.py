"""What Prometheus is shown: the numbers of all API processes together, whichever of them is asked.

Counting must cost next to nothing (0.2 us for a plain number, where a counter that processes share takes 3), so that
each process counts for itself and puts its numbers into its file once a second. The files are in a folder that the
supervisor makes anew for each of its runs; those of a process that has ended go on to count, but for what it had open.
"""

import asyncio
import importlib
import logging
import os
import shutil
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from cloudkeep.startup import StartupError
from services.counts import BudgetCounts, Counts

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

#: Read by prometheus-client when it is imported: processes share their numbers by files in this folder.
SHARED = "PROMETHEUS_MULTIPROC_DIR"
PERIOD_SECONDS = 1.0
#: Bytes of a process's file, of which a number takes about a hundred.
FILE_SIZE = 64 * 1024

_log = logging.getLogger("cloudkeep.metrics")


@dataclass(frozen=True)
class Metric:
    """A number with a name. ``gauge``: it may fall, and ends with its process."""

    name: str
    help: str
    labels: tuple[str, ...] = ()
    gauge: bool = False


class Sample(NamedTuple):
    """A number now, for these values of its labels."""

    metric: Metric
    value: float
    labels: tuple[str, ...] = ()


Source = Callable[[], Iterable[Sample]]

REQUESTS = Metric("cloudkeep_http_requests", "HTTP requests, by purpose and status.", ("purpose", "status"))
OPERATIONS = Metric("cloudkeep_operations", "GraphQL operations, by kind and outcome.", ("kind", "outcome"))
REQUESTED = Metric("cloudkeep_cost_requested_points", "Points that operations might have cost at most.")
ACTUAL = Metric("cloudkeep_cost_actual_points", "Points that operations did cost.")
CHUNK_BYTES = Metric("cloudkeep_chunk_bytes", "Bytes of chunks that got a receipt.")
SUBSCRIPTIONS = Metric("cloudkeep_subscriptions_open", "Subscriptions that are open.", gauge=True)
REFUSED = Metric("cloudkeep_budget_refusals", "Requests refused for want of budget, by layer.", ("layer",))
OVERLOADED = Metric("cloudkeep_budget_overloads", "Requests refused since too many waited for the buckets.")
AWAY = Metric(
    "cloudkeep_budget_redis_away", "Reservations made while Redis was away, by layer and policy.", ("layer", "policy")
)


def samples_of(counts: Counts) -> Iterator[Sample]:
    """What a process counts."""
    for (purpose, status), number in counts.requests.items():
        yield Sample(REQUESTS, number, (purpose, f"{status}xx"))
    for labels, number in counts.operations.items():
        yield Sample(OPERATIONS, number, labels)
    yield Sample(REQUESTED, counts.requested_points)
    yield Sample(ACTUAL, counts.actual_points)
    yield Sample(CHUNK_BYTES, counts.chunk_bytes)
    yield Sample(SUBSCRIPTIONS, counts.subscriptions)


def samples_of_budgets(counts: BudgetCounts) -> Iterator[Sample]:
    """What budgets count."""
    yield from (Sample(REFUSED, number, (layer,)) for layer, number in counts.refused.items())
    yield from (Sample(AWAY, number, labels) for labels, number in counts.away.items())
    yield Sample(OVERLOADED, counts.overloaded)


class Metrics:
    """Publishes the numbers of this process, and shows those of all."""

    def __init__(self, *sources: Source) -> None:
        self._sources = list(sources)
        self._registry: CollectorRegistry | None = None
        self._made: dict[Metric, Any] = {}
        self._published: dict[tuple[Metric, tuple[str, ...]], float] = {}
        self._failed = False

    @asynccontextmanager
    async def running(self, *more: Source) -> AsyncIterator[None]:
        """Publish once a second, and once more at the end, what these sources have as well."""
        self._sources += more
        task = asyncio.create_task(self._run())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            if self._registry:
                self.publish()

    async def exposition(self, accept: str) -> tuple[bytes, str]:
        """The numbers of all processes, and the media type of the format that suits the Accept header."""
        await asyncio.to_thread(_load)
        self.publish()
        return await asyncio.to_thread(self._rendered, accept)

    def publish(self) -> None:
        """Show what was counted since the last time; where the disk is full, once it has room."""
        try:
            self._registry = self._registry or _registry()
        except OSError as error:
            if not self._failed:
                _log.warning("metrics of this process are not shown: %s", error)
            self._failed = True
            return
        for source in self._sources:
            for metric, value, labels in source():
                self._publish(metric, value, labels)

    def _publish(self, metric: Metric, value: float, labels: tuple[str, ...]) -> None:
        made = self._made.get(metric)
        if made is None:
            made = self._made[metric] = _made(metric, self._registry)
        shown = made.labels(*labels) if labels else made
        if metric.gauge:
            shown.set(value)
        elif value != (before := self._published.get((metric, labels), 0)):
            shown.inc(value - before)
            self._published[metric, labels] = value

    def _rendered(self, accept: str) -> tuple[bytes, str]:
        from prometheus_client import CollectorRegistry
        from prometheus_client.exposition import choose_encoder
        from prometheus_client.multiprocess import MultiProcessCollector

        registry = self._registry
        if folder := os.environ.get(SHARED):
            registry = CollectorRegistry()
            MultiProcessCollector(registry, folder)  # type: ignore[no-untyped-call]
        encode, media_type = choose_encoder(accept)
        return encode(registry or CollectorRegistry()), media_type

    async def _run(self) -> None:
        await asyncio.to_thread(_load)
        while True:
            self.publish()
            await asyncio.sleep(PERIOD_SECONDS)


def fresh_folder(data_dir: Path) -> None:
    """Make the folder for a new run of the server. Raises :class:`StartupError`."""
    folder = shared_folder(data_dir)
    try:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise StartupError(f"cannot write to {folder}: {error.strerror}") from None


def shared_folder(data_dir: Path) -> Path:
    """Where the processes of one server put their numbers."""
    return data_dir / "metrics"


def environment(data_dir: Path) -> Mapping[str, str]:
    """What an API process has to know of it."""
    return {SHARED: str(shared_folder(data_dir))}


def forget(data_dir: Path, process_id: int) -> None:
    """The process has ended, and with it what it had open."""
    for path in shared_folder(data_dir).glob(f"gauge_live*_{process_id}.db"):
        path.unlink(missing_ok=True)


def _load() -> None:
    """Import what takes a tenth of a second, and nobody needs for the first answer."""
    importlib.import_module("prometheus_client.multiprocess")


def _registry() -> "CollectorRegistry":
    """Raises OSError where there is no room for the process's files: writing to them would then end the process.

    They are memory that is mapped to a file, and the system has no other way to say that it cannot have a page.
    """
    if folder := os.environ.get(SHARED):
        for kind in ("counter", "gauge_livesum"):
            _allocate(Path(folder) / f"{kind}_{os.getpid()}.db")
    from prometheus_client import CollectorRegistry

    return CollectorRegistry()


def _allocate(path: Path) -> None:
    if path.exists():
        return
    whole = path.with_suffix(".new")  # by that name nobody reads it
    try:
        with whole.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, FILE_SIZE)
        whole.rename(path)
    finally:
        whole.unlink(missing_ok=True)


def _made(metric: Metric, registry: "CollectorRegistry | None") -> Any:
    from prometheus_client import Counter as PrometheusCounter
    from prometheus_client import Gauge

    if metric.gauge:
        return Gauge(metric.name, metric.help, metric.labels, registry=registry, multiprocess_mode="livesum")
    return PrometheusCounter(metric.name, metric.help, metric.labels, registry=registry)
