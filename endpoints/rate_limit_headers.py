"""The headers of a response that tell a client about its budgets.

``RateLimit-Policy`` and ``RateLimit`` as in draft-ietf-httpapi-ratelimit-headers-11 (its sections are those named
below), ``Retry-After`` as in RFC 9110, section 10.2.3:

    RateLimit-Policy: "account";q=20000;w=20, "ingest";q=1048576;qu="content-bytes";w=1
    RateLimit: "account";r=19990;t=1, "ingest";r=0;t=1
"""

import math
from collections.abc import Iterable
from functools import lru_cache

from services.budgets.errors import RateLimited
from services.budgets.limits import LayerStatus, visible_layers
from services.core.errors import CloudKeepError

#: Section 3.1.2. Points are of no unit that is registered, and stand for the default, requests.
UNITS = {"bytes": ';qu="content-bytes"', "points": ""}
#: RFC 9651, section 3.3.1: fifteen digits.
LARGEST = 10**15 - 1


def rate_limit_headers(layers: Iterable[LayerStatus], retry_after: float | None = None) -> dict[str, str]:
    """Both headers for the layers that a client may see, and ``Retry-After`` if the request was refused, in seconds."""
    visible = visible_layers(layers)
    headers = {}
    if visible:
        headers["RateLimit-Policy"] = ", ".join(
            _policy(layer.layer, layer.capacity, layer.refill, layer.unit) for layer in visible
        )
        headers["RateLimit"] = ", ".join(_limit(layer, retry_after) for layer in visible)
    if retry_after is not None:
        headers["Retry-After"] = str(_rounded_up(retry_after, 1))
    return headers


def refusal_headers(refusal: CloudKeepError) -> dict[str, str]:
    """The headers of a refusal: the budgets that refused, and ``Retry-After`` where waiting helps."""
    if isinstance(refusal, RateLimited):
        return rate_limit_headers(refusal.layers, refusal.retry_after)
    return rate_limit_headers((), refusal.retry_after)


@lru_cache
def _policy(name: str, capacity: int, refill: float, unit: str) -> str:
    """Section 3: the bucket's size, and the seconds in which it fills up. Most responses have the same few."""
    window = f";w={_rounded_up(capacity / refill, 1)}" if refill else ""
    return f'"{name}";q={min(capacity, LARGEST)}{UNITS[unit]}{window}'


def _limit(layer: LayerStatus, retry_after: float | None) -> str:
    """Section 4: the content of the bucket, and the seconds until it is full, or until a retry can succeed.

    Section 6 requires ``Retry-After`` to be no earlier than this.
    """
    effective = ""
    if layer.refill:
        full = (layer.capacity - layer.available) / layer.refill
        effective = f";t={_rounded_up(full if retry_after is None else min(full, max(retry_after, 1)), 0)}"
    return f'"{layer.layer}";r={min(layer.available, LARGEST)}{effective}'


def _rounded_up(number: float, least: int) -> int:
    return min(max(math.ceil(number), least), LARGEST)
