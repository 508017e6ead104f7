"""The context of log records: the current request or job.

It is part of each log record, and of the response to an internal error. The tasks and threads that a request or a job
starts inherit it.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from uuid import UUID

from services.core.ids import encode, prefix_of

_EMPTY: Mapping[str, object] = {}
_context: ContextVar[Mapping[str, object]] = ContextVar("cloudkeep_context", default=_EMPTY)


def get_log_context() -> Mapping[str, str]:
    """The known values of ``request_id``, ``account_id``, ``upload_id``, ``job_id`` and ``worker``. No secrets."""
    return {name: _text(name, value) for name, value in _context.get().items()}


def request_id() -> str | None:
    """The ID with which a user can report a request; None outside a request."""
    value = _context.get().get("request_id")
    return None if value is None else str(value)


def new_request_id() -> str:
    """96 random bits in hex."""
    return os.urandom(12).hex()


def bind_log_context(**values: object) -> None:
    """Add values until the end of the task. For requests, which have a task of their own."""
    _context.set({**_context.get(), **values})


@contextmanager
def bound_log_context(**values: object) -> Iterator[None]:
    """Add values for the block."""
    token = _context.set({**_context.get(), **values})
    try:
        yield
    finally:
        _context.reset(token)


def _text(name: str, value: object) -> str:
    """The value as text. The key of an ``upload_id`` becomes the ID that users see, so that it can be searched for."""
    prefix = prefix_of(name)
    return encode(prefix, value) if prefix and isinstance(value, UUID) else str(value)
