"""What Prometheus is shown: the numbers of all processes of a server together, whichever of them is asked.

Counting must cost next to nothing (0.2 us for a plain number, where a counter that processes share takes 3), so that
each process counts for itself and puts its numbers into its files once a second. The files are in a folder that the
supervisor makes anew for each of its runs. They are named by the place that a process has among those that run, so that
whoever gets the place of one that has ended counts on from what that one had counted, but for what it had open: there
are never more files than for the most processes that ran at once.
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

#: Read by prometheus-client when it is imported: processes share their numbers by files in this folder.
SHARED = "PROMETHEUS_MULTIPROC_DIR"
#: By which number a process names its files there. Without one it takes its ID.
PLACE = "PROMETHEUS_MULTIPROC_PLACE"
PERIOD_SECONDS = 1.0
#: What goes on to count, and what ends with its process.
LASTING, LIVE = ("counter", "histogram"), ("gauge_livesum", "gauge_livemax")
#: Bytes of a process's file, of which a number takes about two hundred.
FILE_SIZE = 128 * 1024

_log = logging.getLogger("cloudkeep.metrics")


#: Asks what no process knows by itself. Whatever it raises, the other numbers are shown.
Question = Callable[[], Awaitable[Iterable[Sample]]]


class Metrics:
    """Publishes the numbers of this process, and shows those of all."""

    def __init__(self, *sources: Source) -> None:
        self._sources = list(sources)
        self._asked: Asked | None = None
        self._registry: CollectorRegistry | None = None
        self._made: dict[Metric, Any] = {}
        self._published: dict[tuple[Metric, tuple[str, ...]], float] = {}
        self._observed: dict[tuple[Metric, tuple[str, ...]], Durations] = {}
        self._failed = False

    @asynccontextmanager
    async def running(self, *more: Source, question: Question | None = None) -> AsyncIterator[None]:
        """Publish once a second, and once more at the end, what these sources have as well.

        The ``question`` is asked when somebody looks.
        """
        self._sources += more
        self._asked = Asked(question) if question else None
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
        answer = await self._asked.answer() if self._asked else ()
        return await asyncio.to_thread(self._rendered, accept, answer)

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

    def _publish(self, metric: Metric, value: float | Durations, labels: tuple[str, ...]) -> None:
        made = self._made.get(metric)
        if made is None:
            made = self._made[metric] = _made(metric, self._registry)
        shown = made.labels(*labels) if labels else made
        if isinstance(value, Durations):
            _observe(shown, value, self._observed.setdefault((metric, labels), Durations()))
        elif metric.gauge:
            shown.set(value)
        elif value != (before := self._published.get((metric, labels), 0)):
            shown.inc(value - before)
            self._published[metric, labels] = value

    def _rendered(self, accept: str, answer: Iterable[Sample]) -> tuple[bytes, str]:
        from prometheus_client import CollectorRegistry
        from prometheus_client.exposition import choose_encoder
        from prometheus_client.multiprocess import MultiProcessCollector

        registry = CollectorRegistry()
        if folder := os.environ.get(SHARED):
            MultiProcessCollector(registry, folder)  # type: ignore[no-untyped-call]
        elif self._registry:
            registry.register(self._registry)
        registry.register(_Answer(answer))
        encode, media_type = choose_encoder(accept)
        return encode(registry), media_type

    async def _run(self) -> None:
        await asyncio.to_thread(_load)
        while True:
            self.publish()
            await asyncio.sleep(PERIOD_SECONDS)


class Asked:
    """Asks once for all who look within a second, and waits for the answer no longer than that."""

    def __init__(self, question: Question) -> None:
        self._question = question
        self._task: asyncio.Task[Iterable[Sample]] | None = None
        self._asked_at = 0.0

    async def answer(self) -> list[Sample]:
        """What was answered, and whether anything was."""
        stale = monotonic() - self._asked_at >= PERIOD_SECONDS
        if self._task is None or (stale and self._task.done()):
            self._task, self._asked_at = asyncio.ensure_future(self._question()), monotonic()
        # Not cancelled: the connection to the database would be lost.
        await asyncio.wait({self._task}, timeout=PERIOD_SECONDS)
        if not self._task.done() or self._task.cancelled() or self._task.exception():
            return [Sample(DATABASE, 0)]
        return [*self._task.result(), Sample(DATABASE, 1)]


class _Answer:
    """Shows samples that are not this process's own, and not kept by it."""

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


def _observe(shown: Any, taken: Durations, before: Durations) -> None:
    """Show what came since ``before``, which is made equal. A histogram's public method takes one at a time."""
    for number, count in enumerate(taken.counts):
        if count != before.counts[number]:
            shown._buckets[number].inc(count - before.counts[number])
            before.counts[number] = count
    if taken.seconds != before.seconds:
        shown._sum.inc(taken.seconds - before.seconds)
        before.seconds = taken.seconds


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


class Places:
    """Gives each process of one server a number that no other one has that runs."""

    def __init__(self, data_dir: Path) -> None:
        self._folder = shared_folder(data_dir)
        self._taken: set[int] = set()

    @contextmanager
    def taken(self) -> Iterator[Mapping[str, str]]:
        """What a process has to know that runs for as long as the block; with it ends what it has open."""
        place = next(number for number in itertools.count(1) if number not in self._taken)
        self._taken.add(place)
        try:
            yield {SHARED: str(self._folder), PLACE: str(place)}
        finally:
            self._forget(place)
            self._taken.discard(place)

    def _forget(self, place: int) -> None:
        try:
            for kind in LIVE:
                _file(self._folder, kind, place).unlink(missing_ok=True)
        except OSError as error:
            # Shown until somebody else gets the place.
            _log.warning("metrics still show what a process had open that has ended: %s", error)


def _file(folder: Path, kind: str, place: int | str) -> Path:
    """As prometheus-client names it."""
    return folder / f"{kind}_{place}.db"


def _load() -> None:
    """Import what takes a tenth of a second, and nobody needs for the first answer."""
    importlib.import_module("prometheus_client.multiprocess")
    # When each number was made, which processes that share their numbers do not show either.
    importlib.import_module("prometheus_client").disable_created_metrics()


def _registry() -> "CollectorRegistry":
    """Raises OSError where there is no room for the process's files: writing to them would then end the process.

    They are memory that is mapped to a file, and the system has no other way to say that it cannot have a page.
    """
    if folder := os.environ.get(SHARED):
        place = os.environ.get(PLACE)
        for kind in (*LASTING, *LIVE):
            path = _file(Path(folder), kind, place or os.getpid())
            # What the one before had open may be there yet, if it could not be removed.
            if kind in LIVE or not path.exists():
                _allocate(path)
        if place:
            _count_at(place)
    from prometheus_client import CollectorRegistry

    return CollectorRegistry()


@cache  # two of them would write over each other
def _count_at(place: str) -> None:
    """Have all numbers that are made from now on be in the files of this place."""
    from prometheus_client import values

    values.ValueClass = values.MultiProcessValue(lambda: place)  # type: ignore[no-untyped-call]


def _allocate(path: Path) -> None:
    whole = path.with_suffix(".new")  # by that name nobody reads it
    try:
        with whole.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, FILE_SIZE)
        whole.rename(path)
    finally:
        whole.unlink(missing_ok=True)


def _made(metric: Metric, registry: "CollectorRegistry | None") -> Any:
    from prometheus_client import Counter, Gauge, Histogram

    if metric.histogram:
        return Histogram(metric.name, metric.help, metric.labels, registry=registry, buckets=Durations.BOUNDS)
    if metric.gauge:
        return Gauge(metric.name, metric.help, metric.labels, registry=registry, multiprocess_mode=metric.gauge)
    return Counter(metric.name, metric.help, metric.labels, registry=registry)
