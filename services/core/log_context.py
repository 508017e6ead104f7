"""What this process is working on at the moment: named in each log record, and in the answer to a fault of ours.

It follows a request or a job through everything that it awaits, and into the tasks and threads that it starts.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

_NOTHING: Mapping[str, str] = {}
_current: ContextVar[Mapping[str, str]] = ContextVar("cloudkeep_context", default=_NOTHING)


def current() -> Mapping[str, str]:
    """What is known: ``request_id``, ``account_id``, ``upload_id``, ``job_id``, ``worker``. Nothing secret."""
    return _current.get()


def request_id() -> str | None:
    """The ID by which a person can tell us which request they speak of; None outside of one."""
    return _current.get().get("request_id")


def new_request_id() -> str:
    """96 random bits in hex."""
    return os.urandom(12).hex()


def note(**more: object) -> None:
    """Add what has become known, until the task ends: for a request, which has a task of its own."""
    _current.set({**_current.get(), **{name: str(value) for name, value in more.items()}})


@contextmanager
def about(**more: object) -> Iterator[None]:
    """Work on this for as long as the block runs."""
    token = _current.set({**_current.get(), **{name: str(value) for name, value in more.items()}})
    try:
        yield
    finally:
        _current.reset(token)
