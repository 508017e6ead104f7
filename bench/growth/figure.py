"""One figure of a measurement."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """An amount in ``unit`` for each ``per``, measured over ``count`` of them."""

    per: str
    value: float
    unit: str
    count: int
