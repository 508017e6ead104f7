"""Every metric: its name, what it means, and where its samples come from.

Names and units follow Prometheus (https://prometheus.io/docs/practices/naming/); a counter's name gets ``_total`` when
it is shown. Every label has a fixed set of values, and none is an ID.
"""

import os
import platform
import resource
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

from cloudkeep import __version__
from services.budgets.connections import ConnectionLimiter
from services.budgets.request_memory import RequestMemory
from services.budgets.subscription_leases import SubscriptionLeases
from services.core.clock import difference, now
from services.core.counters import BudgetCounters, ConnectionCounters, Counters, Durations
from storage.jobs import jobs
from storage.jobs.models import JobState
from storage.progress_stream import RedisEventLog

#: The modes that combine the gauges of several processes: their sum or their maximum, without ended processes.
Aggregation = Literal["livesum", "livemax"]


@dataclass(frozen=True)
class Metric:
    """A metric. A ``gauge`` may fall, and ends with its process; a ``histogram`` has :class:`Durations`."""

    name: str
    help: str
    labels: tuple[str, ...] = ()
    gauge: Aggregation | None = None
    histogram: bool = False


class Sample(NamedTuple):
    """The current value of a metric, for these values of its labels."""

    metric: Metric
    value: float | Durations
    labels: tuple[str, ...] = ()


Source = Callable[[], Iterable[Sample]]

REQUESTS = Metric("cloudkeep_http_requests", "HTTP requests, by purpose and status.", ("purpose", "status"))
REQUEST_SECONDS = Metric(
    "cloudkeep_http_request_seconds",
    "Seconds from the request's headers to the end of its response, by purpose.",
    ("purpose",),
    histogram=True,
)
IN_FLIGHT = Metric("cloudkeep_http_requests_in_flight", "HTTP requests in progress.", gauge="livesum")
SLOW_READERS = Metric("cloudkeep_slow_readers", "Connections ended because their clients read too slowly.")
OPERATIONS = Metric("cloudkeep_operations", "GraphQL operations, by kind and outcome.", ("kind", "outcome"))
OPERATION_ERRORS = Metric(
    "cloudkeep_operation_errors", "GraphQL operations with errors, by the code of the first error.", ("kind", "code")
)
OPERATION_SECONDS = Metric(
    "cloudkeep_operation_seconds", "Seconds from an operation's start to its first response.", ("kind",)
)
REQUESTED = Metric("cloudkeep_cost_requested_points", "The most that operations could have cost, in points.")
ACTUAL = Metric("cloudkeep_cost_actual_points", "What operations actually cost, in points.")
OVERRUNS = Metric("cloudkeep_cost_overruns", "Answers that cost more than their price: a defect of the schema.")
SIGN_INS = Metric(
    "cloudkeep_sign_ins", "Passwords that were given, by outcome: succeeded, failed, or delayed.", ("outcome",)
)
CHUNKS = Metric("cloudkeep_chunks", "Chunks, by outcome: accepted, or the error code.", ("outcome",))
CHUNK_BYTES = Metric("cloudkeep_chunk_bytes", "Bytes of chunks that got a receipt.")
CHUNK_SECONDS = Metric("cloudkeep_chunk_seconds", "Seconds from a chunk's headers to its receipt.", histogram=True)
UPLOADS_STARTED = Metric("cloudkeep_uploads_begun", "Uploads that were started.")
UPLOADS_REFUSED = Metric("cloudkeep_uploads_refused", "Uploads that could not begin, by error code.", ("code",))
UPLOADS_FINISHED = Metric("cloudkeep_uploads_finished", "Uploads that ended, by status.", ("status",))
JOBS_RUN = Metric("cloudkeep_job_runs", "Runs of jobs, by kind and outcome.", ("kind", "outcome"))
JOB_SECONDS = Metric("cloudkeep_job_run_seconds", "Seconds that jobs ran, by kind.", ("kind",), histogram=True)
PROBE_FAILURES = Metric(
    "cloudkeep_probe_failures", "Files that were stored without media facts, because ffprobe failed."
)
FFMPEG = Metric("cloudkeep_ffmpeg_seconds", "Seconds that ffmpeg spent encoding.")
CHANGES_PURGED = Metric("cloudkeep_changes_purged", "Changes that were deleted from the feed because of their age.")
DELETED_ROWS = Metric("cloudkeep_deleted_rows", "Rows of items and versions that were deleted for good.")
RELEASED_BYTES = Metric("cloudkeep_released_bytes", "Bytes of blobs that no file uses any more.")
COLLECTED_BLOBS = Metric("cloudkeep_collected_blobs", "Released blobs that were deleted from the store.")
COLLECTED_BYTES = Metric("cloudkeep_collected_bytes", "Bytes of blobs that were deleted from the store.")
MAILS = Metric("cloudkeep_mails", "Mails, by kind and outcome.", ("kind", "outcome"))
ZIPS_CREATED = Metric("cloudkeep_zips_created", "Zip files that were created.")
ZIPS_REFUSED = Metric("cloudkeep_zips_refused", "Zip files that could not be created, by error code.", ("code",))
CHECKSUMS = Metric("cloudkeep_checksums_computed", "CRC-32s of older blobs that were computed.")
SUBSCRIPTIONS = Metric("cloudkeep_subscriptions_open", "Subscriptions that are open.", gauge="livesum")
ACTIVITY_WATCHERS = Metric(
    "cloudkeep_activity_watchers", "Subscriptions to the activity of an account that are open.", gauge="livesum"
)
FRAMES = Metric("cloudkeep_subscription_frames", "Frames that subscriptions have sent.")
FRAMES_DELAYED = Metric(
    "cloudkeep_subscription_frames_delayed",
    "Frames that waited for points (budget) or because their client gets too many (rate).",
    ("reason",),
)
SUBSCRIPTIONS_RATE_LIMITED = Metric(
    "cloudkeep_subscriptions_rate_limited", "Subscriptions that ended because their next frame could not be paid."
)
SUBSCRIPTION_LEASES = Metric("cloudkeep_seats_held", "Subscription leases that processes hold.", gauge="livesum")
CONNECTIONS = Metric("cloudkeep_connections_open", "Connections that are open, WebSockets included.", gauge="livesum")
CONNECTIONS_REFUSED = Metric(
    "cloudkeep_connections_refused",
    "Connections and requests that the server refused or closed, by reason.",
    ("reason",),
)
REQUEST_BYTES = Metric("cloudkeep_incomplete_request_bytes", "Bytes of requests that are incomplete.", gauge="livesum")
REQUEST_MEMORY_REFUSALS = Metric(
    "cloudkeep_incomplete_request_refusals", "Requests refused because incomplete ones take too much memory."
)
WEBSOCKETS = Metric("cloudkeep_websockets_open", "WebSockets that are open.", gauge="livesum")
WEBSOCKET_REFUSALS = Metric(
    "cloudkeep_websocket_refusals", "WebSockets refused because their address had too many open."
)
BUDGET_REFUSALS = Metric(
    "cloudkeep_budget_refusals", "Requests refused because a budget was used up, by layer.", ("layer",)
)
BUDGET_OVERLOADS = Metric(
    "cloudkeep_budget_overloads", "Requests refused because too many were waiting for the token buckets."
)
BUDGET_REDIS_AWAY = Metric(
    "cloudkeep_budget_redis_away",
    "Reservations made while Redis was unavailable, by layer and policy.",
    ("layer", "policy"),
)
EVENT_DELAY = Metric("cloudkeep_event_delay_seconds", "Age of the newest event when it was read.", ("role",), "livemax")
EVENT_READERS_AWAY = Metric("cloudkeep_event_readers_away", "Processes that cannot read events.", ("role",), "livesum")
REDIS_FAILURES = Metric("cloudkeep_redis_failures", "Calls that Redis did not answer, or not in time.", ("role",))
REDIS_SKIPS = Metric("cloudkeep_redis_skips", "Calls that were skipped while Redis was unavailable.", ("role",))
PROCESSES = Metric("cloudkeep_processes", "Processes that run.", ("role",), "livesum")
CPU = Metric("cloudkeep_process_cpu_seconds", "Processor time, user and system, without ffmpeg.", ("role",))
MEMORY = Metric("cloudkeep_process_resident_memory_bytes", "Resident memory.", ("role",), "livesum")
DESCRIPTORS = Metric("cloudkeep_process_open_fds", "Open file descriptors.", ("role",), "livesum")
CLOCK = Metric(
    "cloudkeep_clock_difference_seconds",
    "How far this host's clock is ahead of the database's.",
    ("role",),
    "livemax",
)
BUILD = Metric("cloudkeep_build_info", "The running versions; always 1.", ("version", "python"), "livemax")
JOBS_OPEN = Metric(
    "cloudkeep_jobs_open", "Jobs that are queued or running, according to the database.", ("kind", "state"), "livesum"
)
JOB_AGE = Metric(
    "cloudkeep_oldest_job_wait_seconds",
    "Seconds since the oldest queued job of a kind became due.",
    ("kind",),
    "livesum",
)
DATABASE = Metric(
    "cloudkeep_database_up", "Whether the database responded to the query of this scrape.", gauge="livesum"
)


def samples_of(counters: Counters) -> Iterator[Sample]:
    """Everything that an API process counts."""
    for (purpose, status), number in counters.requests.items():
        yield Sample(REQUESTS, number, (purpose, f"{status}xx"))
    yield from (Sample(REQUEST_SECONDS, seconds, (purpose,)) for purpose, seconds in counters.request_seconds.items())
    yield Sample(IN_FLIGHT, counters.in_flight)
    yield Sample(SLOW_READERS, counters.slow_readers)
    yield from (Sample(OPERATIONS, number, labels) for labels, number in counters.operations.items())
    yield from (Sample(OPERATION_ERRORS, number, labels) for labels, number in counters.operation_errors.items())
    yield from (Sample(OPERATION_SECONDS, seconds, (kind,)) for kind, seconds in counters.operation_seconds.items())
    yield Sample(REQUESTED, counters.requested_points)
    yield Sample(ACTUAL, counters.actual_points)
    yield Sample(OVERRUNS, counters.cost_overruns)
    yield from (Sample(SIGN_INS, number, (outcome,)) for outcome, number in counters.sign_ins.items())
    yield Sample(SUBSCRIPTIONS, counters.subscriptions)
    yield Sample(ACTIVITY_WATCHERS, counters.activity_watchers)
    yield Sample(FRAMES, counters.frames)
    yield from (Sample(FRAMES_DELAYED, number, (reason,)) for reason, number in counters.frames_delayed.items())
    yield Sample(SUBSCRIPTIONS_RATE_LIMITED, counters.subscriptions_rate_limited)
    yield from (Sample(CHUNKS, number, (outcome,)) for outcome, number in counters.chunks.items())
    yield Sample(CHUNK_BYTES, counters.chunk_bytes)
    yield Sample(CHUNK_SECONDS, counters.chunk_seconds)
    yield Sample(ZIPS_CREATED, counters.zips_created)
    yield from (Sample(ZIPS_REFUSED, number, (code,)) for code, number in counters.zips_refused.items())
    yield from samples_of_work(counters)


def samples_of_work(counters: Counters) -> Iterator[Sample]:
    """The counters of a worker. An API process has some of them as well."""
    yield Sample(UPLOADS_STARTED, counters.uploads_begun)
    yield from (Sample(UPLOADS_REFUSED, number, (code,)) for code, number in counters.uploads_refused.items())
    yield from (Sample(UPLOADS_FINISHED, number, (status,)) for status, number in counters.uploads_finished.items())
    yield from (Sample(JOBS_RUN, number, labels) for labels, number in counters.jobs.items())
    yield from (Sample(JOB_SECONDS, seconds, (kind,)) for kind, seconds in counters.job_seconds.items())
    yield Sample(CHANGES_PURGED, counters.changes_purged)
    yield Sample(CHECKSUMS, counters.checksums_computed)
    yield Sample(PROBE_FAILURES, counters.probe_failures)
    yield Sample(FFMPEG, counters.ffmpeg_seconds)
    yield from (Sample(MAILS, number, labels) for labels, number in counters.mails.items())
    yield Sample(DELETED_ROWS, counters.deletion.rows)
    yield Sample(RELEASED_BYTES, counters.deletion.released_bytes)
    yield Sample(COLLECTED_BLOBS, counters.deletion.collected_blobs)
    yield Sample(COLLECTED_BYTES, counters.deletion.collected_bytes)


def samples_of_budgets(counters: BudgetCounters) -> Iterator[Sample]:
    """The counters of budgets."""
    yield from (Sample(BUDGET_REFUSALS, number, (layer,)) for layer, number in counters.refused.items())
    yield from (Sample(BUDGET_REDIS_AWAY, number, labels) for labels, number in counters.away.items())
    yield Sample(BUDGET_OVERLOADS, counters.overloaded)


def samples_of_events(log: RedisEventLog, role: str) -> Iterator[Sample]:
    """The delay and the connection with which this process reads the event log, and the failures of Redis."""
    yield Sample(EVENT_DELAY, log.delay, (role,))
    yield Sample(EVENT_READERS_AWAY, 0 if log.is_connected else 1, (role,))
    yield Sample(REDIS_FAILURES, log.breaker.failures, (role,))
    yield Sample(REDIS_SKIPS, log.breaker.skips, (role,))


def samples_of_subscriptions(leases: SubscriptionLeases) -> Iterator[Sample]:
    """The leases of this process's subscriptions."""
    yield Sample(SUBSCRIPTION_LEASES, leases.count)


def samples_of_connections(connections: ConnectionCounters) -> Iterator[Sample]:
    """Connections of this process."""
    yield Sample(CONNECTIONS, connections.open)
    yield from (Sample(CONNECTIONS_REFUSED, number, (reason,)) for reason, number in connections.refused.items())


def samples_of_websockets(websockets: ConnectionLimiter) -> Iterator[Sample]:
    """WebSockets of this process."""
    yield Sample(WEBSOCKETS, websockets.open)
    yield Sample(WEBSOCKET_REFUSALS, websockets.refused)


def samples_of_request_memory(memory: RequestMemory) -> Iterator[Sample]:
    """Requests to this process that are not complete."""
    yield Sample(REQUEST_BYTES, memory.used)
    yield Sample(REQUEST_MEMORY_REFUSALS, memory.refused)


def samples_of_process(role: str) -> Iterator[Sample]:
    """The version of this process and its use of the machine. ``role`` is ``api`` or ``worker``."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    yield Sample(BUILD, 1, (__version__, platform.python_version()))
    yield Sample(PROCESSES, 1, (role,))
    yield Sample(CLOCK, difference().total_seconds(), (role,))
    yield Sample(CPU, usage.ru_utime + usage.ru_stime, (role,))
    with suppress(OSError):  # elsewhere than on Linux there is no such folder
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        yield Sample(MEMORY, pages * os.sysconf("SC_PAGE_SIZE"), (role,))
        yield Sample(DESCRIPTORS, len(os.listdir("/proc/self/fd")), (role,))


async def samples_of_database() -> list[Sample]:
    """The open jobs of all processes and hosts."""
    open_jobs = await jobs.count_open()
    ages = [
        Sample(JOB_AGE, max(0.0, (now() - first).total_seconds()), (kind.value,))
        for kind, state, _, first in open_jobs
        if state is JobState.QUEUED
    ]
    return [*(Sample(JOBS_OPEN, number, (kind.value, state.value)) for kind, state, number, _ in open_jobs), *ages]
