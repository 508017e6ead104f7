"""What has happened in this process since it began: plain numbers, since they are counted in the middle of the work.

Whoever shows them takes them from here (``cloudkeep/metrics.py``); a service does not know who that is.
"""

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

OperationKind: TypeAlias = Literal["query", "mutation", "subscription", "unknown"]
Outcome: TypeAlias = Literal["data", "errors", "refused"]


class Durations:
    """How long things took: how many were within each of ``BOUNDS``, in seconds, and all of them together."""

    BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0, 300.0)
    __slots__ = ("counts", "seconds")

    def __init__(self) -> None:
        #: The last one is of those beyond every bound.
        self.counts = [0] * (len(self.BOUNDS) + 1)
        self.seconds = 0.0

    def add(self, seconds: float) -> None:
        """One more took so long."""
        self.counts[bisect_left(self.BOUNDS, seconds)] += 1
        self.seconds += seconds


@dataclass(slots=True)
class BudgetCounts:
    """Only ever counted up."""

    #: By the layer that refused.
    refused: Counter[str] = field(default_factory=Counter)
    #: Refused because too many waited for their answer.
    overloaded: int = 0
    #: While the buckets were out of reach: by layer and by what then holds, ``open`` or ``closed``.
    away: Counter[tuple[str, str]] = field(default_factory=Counter)


@dataclass(slots=True)
class Counts:
    """Only ever counted up, but for what is open."""

    #: HTTP requests by what they were for and by the first digit of their status.
    requests: Counter[tuple[str, int]] = field(default_factory=Counter)
    request_seconds: defaultdict[str, Durations] = field(default_factory=lambda: defaultdict(Durations))
    #: Under way at this moment.
    in_flight: int = 0
    operations: Counter[tuple[OperationKind, Outcome]] = field(default_factory=Counter)
    #: In points: what operations might have cost at most, and what they did cost.
    requested_points: int = 0
    actual_points: int = 0
    #: Bytes of chunks that got a receipt.
    chunk_bytes: int = 0
    #: Open at this moment.
    subscriptions: int = 0

    def operation(self, kind: OperationKind, outcome: Outcome, requested: int = 0, actual: int = 0) -> None:
        """An operation has been answered, for the first time if it is a subscription; costs are in points."""
        self.operations[kind, outcome] += 1
        self.requested_points += requested
        self.actual_points += actual

    @contextmanager
    def subscription(self) -> Iterator[None]:
        """A subscription is open for as long as the block runs."""
        self.subscriptions += 1
        try:
            yield
        finally:
            self.subscriptions -= 1
