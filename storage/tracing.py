"""Spans of traces. Nothing is recorded unless the composition root installs a tracer.

This module is in the lowest layer, because every layer has spans; the tracer is in the highest.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Literal, Protocol

#: An incoming request, a job that was queued elsewhere, a request to another system, or other work.
SpanKind = Literal["server", "consumer", "client", "internal"]
Attributes = Mapping[str, str | int | float | bool]
NONE: Attributes = {}


class Tracer(Protocol):
    """Records spans. No method raises, whatever happens to them."""

    def span(
        self, name: str, kind: SpanKind, parent: str | None, attributes: Attributes
    ) -> AbstractContextManager[None]:
        """A span for as long as the block runs, under the one around it, or under ``parent`` (W3C traceparent)."""
        ...

    def add(self, attributes: Attributes) -> None:
        """Add attributes to the current span."""
        ...

    def traceparent(self) -> str | None:
        """The current span, for a process that continues the work."""
        ...


_NO_SPAN = nullcontext()
_tracer: Tracer | None = None


def install(tracer: Tracer | None) -> None:
    """Record the spans of this process from now on; None stops it."""
    global _tracer
    _tracer = tracer


def is_recording() -> bool:
    """Whether a tracer is installed."""
    return _tracer is not None


def span(
    name: str,
    attributes: Attributes = NONE,
    *,
    kind: SpanKind = "internal",
    parent: str | None = None,
) -> AbstractContextManager[None]:
    """Record the block as a span. Use few different names, and no secret or unbounded attributes."""
    return _tracer.span(name, kind, parent, attributes) if _tracer else _NO_SPAN


def add(attributes: Attributes) -> None:
    """Add attributes to the current span, once they are known."""
    if _tracer:
        _tracer.add(attributes)


def traceparent() -> str | None:
    """The value to store with work for another process (W3C Trace Context, section 3.2), or None."""
    return _tracer.traceparent() if _tracer else None
