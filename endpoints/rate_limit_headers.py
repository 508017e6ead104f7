"""What a client is told of its budgets in the head of an answer.

``RateLimit-Policy`` and ``RateLimit`` as in draft-ietf-httpapi-ratelimit-headers-11 (its sections are those named
below), ``Retry-After`` as in RFC 9110, section 10.2.3:

    RateLimit-Policy: "account";q=20000;w=20, "ingest";q=1048576;qu="content-bytes";w=1
    RateLimit: "account";r=19990;t=1, "ingest";r=0;t=1
"""

import math
from collections.abc import Iterable
from functools import lru_cache

from services.budgets.errors import RateLimited
from services.budgets.limits import LayerStatus, shown
from services.core.errors import CloudKeepError

#: Section 3.1.2. Points are of no unit that is registered, and stand for the default, requests.
UNITS = {"bytes": ';qu="content-bytes"', "points": ""}
#: RFC 9651, section 3.3.1: fifteen digits.
LARGEST = 10**15 - 1


def fields_of(layers: Iterable[LayerStatus], retry_after: float | None = None) -> dict[str, str]:
    """Both fields for these layers, and ``Retry-After`` for a request that was refused, in seconds.

    Nothing without a layer that may be shown.
    """
    told = shown(layers)
    fields = {}
    if told:
        fields["RateLimit-Policy"] = ", ".join(
            _policy(layer.layer, layer.capacity, layer.refill, layer.unit) for layer in told
        )
        fields["RateLimit"] = ", ".join(_limit(layer, retry_after) for layer in told)
    if retry_after is not None:
        fields["Retry-After"] = str(_whole(retry_after, 1))
    return fields


def refusal_fields(refusal: CloudKeepError) -> dict[str, str]:
    """What goes with a refusal: the budgets that refused, and ``Retry-After`` where waiting helps."""
    if isinstance(refusal, RateLimited):
        return fields_of(refusal.layers, refusal.retry_after)
    return fields_of((), refusal.retry_after)


@lru_cache
def _policy(name: str, capacity: int, refill: float, unit: str) -> str:
    """Section 3: the bucket's size, and the seconds in which it fills up. The same few stand in every answer."""
    window = f";w={_whole(capacity / refill, 1)}" if refill else ""
    return f'"{name}";q={min(capacity, LARGEST)}{UNITS[unit]}{window}'


def _limit(layer: LayerStatus, retry_after: float | None) -> str:
    """Section 4: what the bucket holds, and the seconds until it is full, or until another try makes sense.

    Section 6 wants ``Retry-After`` to be no earlier than what is said here.
    """
    effective = ""
    if layer.refill:
        full = (layer.capacity - layer.available) / layer.refill
        effective = f";t={_whole(full if retry_after is None else min(full, max(retry_after, 1)), 0)}"
    return f'"{layer.layer}";r={min(layer.available, LARGEST)}{effective}'


def _whole(number: float, least: int) -> int:
    return min(max(math.ceil(number), least), LARGEST)
