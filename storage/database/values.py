"""Values of statements: their placeholders, and parts of many."""

from collections.abc import Collection, Iterator
from itertools import islice
from typing import TypeVar

T = TypeVar("T")


def marks(values: Collection[object]) -> str:
    """A placeholder for each value."""
    return ", ".join("?" * len(values))


def parts(values: Collection[T], size: int) -> Iterator[list[T]]:
    """The values in order, at most ``size`` at once."""
    rest = iter(values)
    while part := list(islice(rest, size)):
        yield part
