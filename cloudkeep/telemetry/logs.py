"""Log records, those of libraries too, as lines on standard error: for people or, one JSON object each, for programs.

structlog renders the records of the standard library's loggers, so that no service depends on it. It takes a tenth of a
second to load, and is loaded with the first record.
"""

import logging
import re
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from cloudkeep.settings.types import LogFormat
from services.core.log_context import get_log_context
from storage.redaction import MASK, without_credentials

if TYPE_CHECKING:
    import structlog
    from structlog.typing import EventDict, Processor

_OURS = ("cloudkeep", "schema", "resolvers", "endpoints", "workers", "services", "storage")

_ADDRESS = re.compile(r"[\w.+%-]+@(?=[\w-]+(?:\.[\w-]+)+)")


class LazyFormatter(logging.Formatter):
    """Renders with structlog, once there is something to render. ``colours`` are for a terminal."""

    def __init__(self, style: str, *, colours: bool = False) -> None:
        super().__init__()
        self._log_format = style
        self._colours = colours
        self._renderer: structlog.stdlib.ProcessorFormatter | None = None

    def load(self) -> None:
        """Load structlog now."""
        self._renderer = self._renderer or _renderer(self._log_format, self._colours)

    def format(self, record: logging.LogRecord) -> str:
        """One line; on a console a traceback follows on lines of its own."""
        self.load()
        assert self._renderer
        return without_secrets(self._renderer.format(record))


def set_up_logging(style: str = LogFormat.CONSOLE, level: str = "INFO") -> LazyFormatter:
    """Send every record to standard error: ours from ``level`` on, those of the libraries from WARNING on.

    What a library logs at a lower level may be anything: statements with their values, or the headers of requests. The
    thread that logs a record writes it, and waits where standard error is read slowly; so little is logged by default
    that its pipe has space for hours.
    """
    formatter = LazyFormatter(style, colours=sys.stderr.isatty())
    handler = logging.StreamHandler()
    handler.setFormatter(formatter)
    logging.basicConfig(level=max(logging.WARNING, logging.getLevelName(level)), handlers=[handler], force=True)
    for name in _OURS:
        logging.getLogger(name).setLevel(level)
    # It warns of every WebSocket that it refuses because of its origin; cloudkeep.server.refused_origins does, once.
    logging.getLogger("strawberry.ws").setLevel(logging.ERROR)
    return formatter


def without_secrets(line: str) -> str:
    """The line without credentials and without the names in mail addresses, which errors of libraries may hold."""
    line = without_credentials(line)
    return _ADDRESS.sub(f"{MASK}@", line) if "@" in line else line


def _renderer(style: str, colours: bool) -> "structlog.stdlib.ProcessorFormatter":
    import structlog
    from structlog.stdlib import ProcessorFormatter, add_log_level, add_logger_name

    shared: list[Processor] = [add_log_level, add_logger_name, _with_context, _timestamped]
    shared.append(structlog.stdlib.ExtraAdder())
    processors: list[Processor] = [ProcessorFormatter.remove_processors_meta]
    if style == LogFormat.JSON:
        processors += [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(default=str)]
    else:
        processors += [_on_one_line, _console(colours)]
    return ProcessorFormatter(foreign_pre_chain=shared, processors=processors)


def _console(colours: bool) -> "Processor":
    from structlog.dev import ConsoleRenderer, plain_traceback

    return ConsoleRenderer(
        colors=colours, pad_event_to=0, pad_level=False, sort_keys=False, exception_formatter=plain_traceback
    )


def _with_context(_: object, __: str, event: "EventDict") -> "EventDict":
    event.update(get_log_context())
    return event


def _timestamped(_: object, __: str, event: "EventDict") -> "EventDict":
    """Add the time of the record, by RFC 3339 in UTC."""
    record: logging.LogRecord = event["_record"]
    event["timestamp"] = _format_time(record.created)
    return event


def _format_time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _on_one_line(_: object, __: str, event: "EventDict") -> "EventDict":
    """Escape line ends: input must not look like a record of its own."""
    event["event"] = str(event["event"]).replace("\r", "\\r").replace("\n", "\\n")
    return event
