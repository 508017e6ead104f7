"""Counters of this process since its start. They are plain numbers, because counting must be fast.

``cloudkeep/telemetry/metrics.py`` exposes them; services do not depend on it.
"""

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import perf_counter
from typing import Literal, TypeAlias

from services.core.errors import ErrorCode, refusal_of
from storage.drive.blobs import Released

OperationKind: TypeAlias = Literal["query", "mutation", "subscription", "unknown"]
Outcome: TypeAlias = Literal["data", "errors", "refused"]
#: Why a frame of a subscription waits: the payer's budget has too few points, or the payer gets frames too fast.
FrameDelay: TypeAlias = Literal["budget", "rate"]

#: A password was right, wrong, or not verified because of a delay.
SignInOutcome: TypeAlias = Literal["succeeded", "failed", "delayed"]
#: The outcome of an attempt to send a mail: the mail server accepted it, another attempt follows, the mail server
#: refused it for good, no other attempt follows, or the process could make no attempt.
MailOutcome: TypeAlias = Literal["sent", "retried", "refused", "given_up", "dropped"]


class Durations:
    """A histogram of durations: the number within each of ``BOUNDS``, in seconds, and their sum."""

    BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0, 300.0)
    __slots__ = ("counts", "seconds")

    def __init__(self) -> None:
        #: The last one counts durations beyond every bound.
        self.counts = [0] * (len(self.BOUNDS) + 1)
        self.seconds = 0.0

    def add(self, seconds: float) -> None:
        """Count one more duration."""
        self.counts[bisect_left(self.BOUNDS, seconds)] += 1
        self.seconds += seconds


@dataclass(slots=True)
class BudgetCounters:
    """Only ever counted up."""

    #: Refusals by layer.
    refused: Counter[str] = field(default_factory=Counter)
    #: Requests refused because too many waited.
    overloaded: int = 0
    #: Reservations while the buckets were unavailable, by layer and its policy (``open`` or ``closed``).
    away: Counter[tuple[str, str]] = field(default_factory=Counter)


@dataclass(slots=True)
class ConnectionCounters:
    """Connections of the server, WebSockets included."""

    #: Connections that are open now.
    open: int = 0
    #: Refused or closed connections and requests, by reason.
    refused: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class DeletionCounters:
    """What was deleted for good."""

    #: Rows of items and versions.
    rows: int = 0
    #: Bytes of blobs that nothing names any more.
    released_bytes: int = 0
    #: Blobs and bytes that were deleted from the store.
    collected_blobs: int = 0
    collected_bytes: int = 0

    def add(self, rows: int, released: Released) -> None:
        """Count rows that were deleted, and blobs that were released by that."""
        self.rows += rows
        self.released_bytes += released.size


@dataclass(slots=True)
class Counters:
    """Counters only ever increase, except for gauges of open things."""

    #: HTTP requests by kind and the first digit of their status.
    requests: Counter[tuple[str, int]] = field(default_factory=Counter)
    request_seconds: defaultdict[str, Durations] = field(default_factory=lambda: defaultdict(Durations))
    #: Requests that are under way now.
    in_flight: int = 0
    #: Connections that were ended because their clients read too slowly.
    slow_readers: int = 0
    operations: Counter[tuple[OperationKind, Outcome]] = field(default_factory=Counter)
    #: Points: the maximum and the actual cost of operations.
    requested_points: int = 0
    actual_points: int = 0
    #: Answers that cost more than the price that was reserved for them: a defect.
    cost_overruns: int = 0
    #: Operations with errors, by kind and the code of the first error.
    operation_errors: Counter[tuple[OperationKind, str]] = field(default_factory=Counter)
    #: Durations of operations until their first answer, by kind.
    operation_seconds: defaultdict[OperationKind, float] = field(default_factory=lambda: defaultdict(float))
    #: Passwords of sign-ins, and those that sessions ask for again, by outcome.
    sign_ins: Counter[SignInOutcome] = field(default_factory=Counter)
    #: Chunks by outcome: ``accepted``, the error code, or ``aborted`` if the server stopped meanwhile.
    chunks: Counter[str] = field(default_factory=Counter)
    #: Bytes of chunks that got a receipt, and the durations of these chunks from head to receipt.
    chunk_bytes: int = 0
    chunk_seconds: Durations = field(default_factory=Durations)
    uploads_begun: int = 0
    #: Uploads that could not begin, by the code of the bound that refused them.
    uploads_refused: Counter[str] = field(default_factory=Counter)
    #: Ended uploads by status. An upload that is retried ends again.
    uploads_finished: Counter[str] = field(default_factory=Counter)
    #: Runs of jobs, by kind and outcome.
    jobs: Counter[tuple[str, str]] = field(default_factory=Counter)
    job_seconds: defaultdict[str, Durations] = field(default_factory=lambda: defaultdict(Durations))
    #: Files that were stored without media facts, because ffprobe failed.
    probe_failures: int = 0
    #: Encoding seconds of ffmpeg.
    ffmpeg_seconds: float = 0.0
    #: Mails, by kind and outcome.
    mails: Counter[tuple[str, MailOutcome]] = field(default_factory=Counter)
    #: Changes that were deleted from the logs of drives because of their age.
    changes_purged: int = 0
    #: Subscriptions to the activity of an account that are open now.
    activity_watchers: int = 0
    deletion: DeletionCounters = field(default_factory=DeletionCounters)
    zips_created: int = 0
    #: Zip files that could not be created, by the code of the error.
    zips_refused: Counter[str] = field(default_factory=Counter)
    #: CRC-32s of older blobs that were computed.
    checksums_computed: int = 0
    #: Subscriptions that are open now.
    subscriptions: int = 0
    #: Frames of subscriptions: all of them, and those that had to wait, by reason.
    frames: int = 0
    frames_delayed: Counter[FrameDelay] = field(default_factory=Counter)
    #: Subscriptions that ended because their next frame could not be paid.
    subscriptions_rate_limited: int = 0

    def operation(
        self, kind: OperationKind, outcome: Outcome, requested: int = 0, actual: int = 0, seconds: float = 0.0
    ) -> None:
        """Count an operation at its answer, or at the first answer of a subscription. Costs are in points."""
        self.operation_seconds[kind] += seconds
        self.operations[kind, outcome] += 1
        self.requested_points += requested
        self.actual_points += actual

    def frame(self, requested: int = 0, actual: int = 0) -> None:
        """Count a frame of a subscription. The costs, in points, of the first one are those of its operation."""
        self.frames += 1
        self.requested_points += requested
        self.actual_points += actual

    @contextmanager
    def chunk(self) -> Iterator[None]:
        """Count a chunk that is received during the block."""
        began = perf_counter()
        outcome = "aborted"
        try:
            yield
            outcome = "accepted"
            self.chunk_seconds.add(perf_counter() - began)
        except Exception as error:
            refusal = refusal_of(error)
            outcome = refusal.code.value if refusal else ErrorCode.INTERNAL.value
            raise
        finally:
            self.chunks[outcome] += 1

    @contextmanager
    def activity_watcher(self) -> Iterator[None]:
        """Count a subscription to the activity of an account that is open during the block."""
        self.activity_watchers += 1
        try:
            yield
        finally:
            self.activity_watchers -= 1

    @contextmanager
    def subscription(self) -> Iterator[None]:
        """Count a subscription that is open during the block."""
        self.subscriptions += 1
        try:
            yield
        finally:
            self.subscriptions -= 1
