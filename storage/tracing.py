"""Where a trace can be told what is being done. Nothing is told unless the composition root installs a tracer.

Here, at the bottom, since every layer has something to tell; whoever records it stays above all of them.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Literal, Protocol

#: A request that came in, a job that was queued elsewhere, a question to another system, or work of our own.
SpanKind = Literal["server", "consumer", "client", "internal"]
Attributes = Mapping[str, str | int | float | bool]
NONE: Attributes = {}


class Tracer(Protocol):
    """Records spans. Whatever happens to them, no method raises."""

    def span(
        self, name: str, kind: SpanKind, parent: str | None, attributes: Attributes
    ) -> AbstractContextManager[None]:
        """A span for as long as the block runs, under the one around it, or under ``parent`` (W3C traceparent)."""
        ...

    def add(self, attributes: Attributes) -> None:
        """Say more about the span around this."""
        ...

    def traceparent(self) -> str | None:
        """The span around this, for whoever goes on with the work elsewhere."""
        ...


_NOTHING = nullcontext()
_tracer: Tracer | None = None


def install(tracer: Tracer | None) -> None:
    """Have everything of this process recorded from now on; None: nothing."""
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
    """Record the block. The name is one of few; no attribute is secret or as long as its sender likes."""
    return _tracer.span(name, kind, parent, attributes) if _tracer else _NOTHING


def add(attributes: Attributes) -> None:
    """Say more about the span around this, once it is known."""
    if _tracer:
        _tracer.add(attributes)


def traceparent() -> str | None:
    """What to store beside work that somebody else will do: W3C Trace Context, section 3.2, or None."""
    return _tracer.traceparent() if _tracer else None
