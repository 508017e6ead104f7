"""Metrics for Prometheus. Every process of a server exposes those of all of them together.

Counting must cost next to nothing (0.2 us for a plain number, where a counter that processes share takes 3), so each
process counts for itself and writes its metrics into its files once a second. The files are in a folder that the
supervisor clears at each of its starts. They are named by a slot, a number that no other running process has. A process
that gets the slot of one that has ended continues its counters, but not its gauges: there are never more files than for
the most processes that ran at once.
"""

import asyncio
import importlib
import itertools
import logging
import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import cache
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

from cloudkeep.settings.preflight import StartupError
from cloudkeep.telemetry.metric_catalogue import DATABASE, Metric, Sample, Source
from services.core.counters import Durations

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry
    from prometheus_client import Metric as PrometheusMetric

#: Read by prometheus-client when it is imported: processes share their metrics by files in this folder.
FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
#: The slot of a process, by which its files are named. Without one they are named by its ID.
SLOT_VARIABLE = "PROMETHEUS_MULTIPROC_SLOT"
PERIOD_SECONDS = 1.0
#: Kinds of files: those that the next process in the slot continues, and those that end with their process.
LASTING, LIVE = ("counter", "histogram"), ("gauge_livesum", "gauge_livemax")
#: Bytes of a process's file, of which a metric takes about two hundred.
FILE_SIZE = 128 * 1024

_log = logging.getLogger("cloudkeep.metrics")

#: Returns samples that are not kept in a process, such as those of the database. If it fails, the other metrics are
#: shown nevertheless.
Query = Callable[[], Awaitable[Iterable[Sample]]]


class Metrics:
    """Publishes the metrics of this process, and renders those of all."""

    def __init__(self, *sources: Source) -> None:
        self._sources = list(sources)
        self._query: CachedQuery | None = None
        self._registry: CollectorRegistry | None = None
        self._collectors: dict[Metric, Any] = {}
        self._published: dict[tuple[Metric, tuple[str, ...]], float] = {}
        self._published_durations: dict[tuple[Metric, tuple[str, ...]], Durations] = {}
        self._has_failed = False

    @asynccontextmanager
    async def running(self, *more: Source, query: Query | None = None) -> AsyncIterator[None]:
        """Publish once a second, and once more at the end, with these sources as well.

        The ``query`` is run for a scrape.
        """
        self._sources += more
        self._query = CachedQuery(query) if query else None
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
        """The metrics of all processes, and the media type of the format that suits the Accept header."""
        await asyncio.to_thread(_load)
        self.publish()
        samples = await self._query.samples() if self._query else ()
        return await asyncio.to_thread(self._render, accept, samples)

    def publish(self) -> None:
        """Publish the counts since the last call. While the disk is full, nothing is published."""
        try:
            self._registry = self._registry or _registry()
        except OSError as error:
            if not self._has_failed:
                _log.warning("the metrics of this process cannot be written and are not shown: %s", error)
            self._has_failed = True
            return
        for source in self._sources:
            for metric, value, labels in source():
                self._publish(metric, value, labels)

    def _publish(self, metric: Metric, value: float | Durations, labels: tuple[str, ...]) -> None:
        collector = self._collectors.get(metric)
        if collector is None:
            collector = self._collectors[metric] = _new_collector(metric, self._registry)
        child = collector.labels(*labels) if labels else collector
        if isinstance(value, Durations):
            _observe(child, value, self._published_durations.setdefault((metric, labels), Durations()))
        elif metric.gauge:
            child.set(value)
        elif value != (before := self._published.get((metric, labels), 0)):
            child.inc(value - before)
            self._published[metric, labels] = value

    def _render(self, accept: str, samples: Iterable[Sample]) -> tuple[bytes, str]:
        from prometheus_client import CollectorRegistry
        from prometheus_client.exposition import choose_encoder
        from prometheus_client.multiprocess import MultiProcessCollector

        registry = CollectorRegistry()
        if folder := os.environ.get(FOLDER_VARIABLE):
            MultiProcessCollector(registry, folder)  # type: ignore[no-untyped-call]
        elif self._registry:
            registry.register(self._registry)
        registry.register(_SampleCollector(samples))
        encode, media_type = choose_encoder(accept)
        return encode(registry), media_type

    async def _run(self) -> None:
        await asyncio.to_thread(_load)
        while True:
            self.publish()
            await asyncio.sleep(PERIOD_SECONDS)


class CachedQuery:
    """Runs a query once for all scrapes within a second, and waits at most a second for its result."""

    def __init__(self, query: Query) -> None:
        self._query = query
        self._task: asyncio.Task[Iterable[Sample]] | None = None
        self._started_at = 0.0

    async def samples(self) -> list[Sample]:
        """The samples of the query, and one that says whether the query has succeeded."""
        is_stale = monotonic() - self._started_at >= PERIOD_SECONDS
        if self._task is None or (is_stale and self._task.done()):
            self._task, self._started_at = asyncio.ensure_future(self._query()), monotonic()
        # Not cancelled: the connection to the database would be lost.
        await asyncio.wait({self._task}, timeout=PERIOD_SECONDS)
        if not self._task.done() or self._task.cancelled() or self._task.exception():
            return [Sample(DATABASE, 0)]
        return [*self._task.result(), Sample(DATABASE, 1)]


class _SampleCollector:
    """A collector of prometheus-client for samples that no process publishes."""

    def __init__(self, samples: Iterable[Sample]) -> None:
        self._samples = samples

    def collect(self) -> "Iterable[PrometheusMetric]":
        from prometheus_client.core import GaugeMetricFamily

        families: dict[Metric, GaugeMetricFamily] = {}
        for metric, value, labels in self._samples:
            family = families.get(metric)
            if family is None:
                family = families[metric] = GaugeMetricFamily(metric.name, metric.help, labels=metric.labels)
            assert not isinstance(value, Durations)
            family.add_metric(labels, value)
        return families.values()


def _observe(histogram: Any, durations: Durations, before: Durations) -> None:
    """Publish the difference to ``before``, which is updated. A histogram's public method takes one at a time."""
    for number, count in enumerate(durations.counts):
        if count != before.counts[number]:
            histogram._buckets[number].inc(count - before.counts[number])
            before.counts[number] = count
    if durations.seconds != before.seconds:
        histogram._sum.inc(durations.seconds - before.seconds)
        before.seconds = durations.seconds


def reset_metrics_folder(data_dir: Path) -> None:
    """Make an empty folder for a new run of the server. Raises :class:`StartupError`."""
    folder = metrics_folder(data_dir)
    try:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise StartupError(f"cannot write to {folder}: {error.strerror}") from None


def metrics_folder(data_dir: Path) -> Path:
    """The folder to which the processes of one server write their metrics."""
    return data_dir / "metrics"


class MetricsSlots:
    """Gives each process of one server the lowest number that no other running one has."""

    def __init__(self, data_dir: Path) -> None:
        self._folder = metrics_folder(data_dir)
        self._claimed: set[int] = set()

    @contextmanager
    def claim(self) -> Iterator[Mapping[str, str]]:
        """The environment of a process that runs for as long as the block; its gauges end with the block."""
        slot = next(number for number in itertools.count(1) if number not in self._claimed)
        self._claimed.add(slot)
        try:
            yield {FOLDER_VARIABLE: str(self._folder), SLOT_VARIABLE: str(slot)}
        finally:
            self._remove_gauges(slot)
            self._claimed.discard(slot)

    def _remove_gauges(self, slot: int) -> None:
        try:
            for kind in LIVE:
                _file(self._folder, kind, slot).unlink(missing_ok=True)
        except OSError as error:
            # Shown until another process gets the slot.
            _log.warning("cannot remove the gauges of a process that has ended; they are still shown: %s", error)


def _file(folder: Path, kind: str, slot: int | str) -> Path:
    """The name that prometheus-client gives to the file."""
    return folder / f"{kind}_{slot}.db"


def _load() -> None:
    """Import prometheus-client, which takes a tenth of a second and which no first response needs."""
    importlib.import_module("prometheus_client.multiprocess")
    # When each metric was created, which prometheus-client does not show for several processes either.
    importlib.import_module("prometheus_client").disable_created_metrics()


def _registry() -> "CollectorRegistry":
    """Create the registry. Raises OSError if the disk has no space for the process's files.

    The files are mapped into memory: if a page could not be allocated later, the system would kill the process.
    """
    if folder := os.environ.get(FOLDER_VARIABLE):
        slot = os.environ.get(SLOT_VARIABLE)
        for kind in (*LASTING, *LIVE):
            path = _file(Path(folder), kind, slot or os.getpid())
            # The gauges of the process before may still be there, if they could not be removed.
            if kind in LIVE or not path.exists():
                _allocate(path)
        if slot:
            _use_slot(slot)
    from prometheus_client import CollectorRegistry

    return CollectorRegistry()


@cache  # two of them would write over each other
def _use_slot(slot: str) -> None:
    """Keep all metrics that are created from now on in the files of this slot."""
    from prometheus_client import values

    values.ValueClass = values.MultiProcessValue(lambda: slot)  # type: ignore[no-untyped-call]


def _allocate(path: Path) -> None:
    new = path.with_suffix(".new")  # a name that is not read
    try:
        with new.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, FILE_SIZE)
        new.rename(path)
    finally:
        new.unlink(missing_ok=True)


def _new_collector(metric: Metric, registry: "CollectorRegistry | None") -> Any:
    from prometheus_client import Counter, Gauge, Histogram

    if metric.histogram:
        return Histogram(metric.name, metric.help, metric.labels, registry=registry, buckets=Durations.BOUNDS)
    if metric.gauge:
        return Gauge(metric.name, metric.help, metric.labels, registry=registry, multiprocess_mode=metric.gauge)
    return Counter(metric.name, metric.help, metric.labels, registry=registry)
