"""Many claims as one call of the script, and its reply as their results. ``take.lua`` explains the numbers."""

import asyncio
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from storage.token_buckets.base import Bucket, Claim, ClaimResult

SCRIPT = Path(__file__).with_name("take.lua").read_text()


@dataclass(slots=True)
class Request:
    """A claim whose caller waits for the result."""

    claim: Claim
    result: asyncio.Future[ClaimResult]


class Batch:
    """Claims in the order in which they are granted, and refunds that come before them."""

    def __init__(self, requests: Sequence[Request], refunds: Sequence[tuple[Bucket, int]]) -> None:
        self.requests = requests
        self._places: dict[str, int] = {}
        self._limits: list[float] = []
        self._claims: list[float] = []
        for bucket, amount in refunds:
            self._limits[3 * self._place(bucket) - 1] = amount
        for request in requests:
            self._claims.append(len(request.claim))
            for bucket, cost in request.claim:
                self._claims += (self._place(bucket), cost)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to send."""
        return not self._places

    def command(self, script: bytes) -> bytes:
        """The call in the protocol's form (RESP); ``script`` is the digest by which the server knows the script."""
        keys = [key.encode() for key in self._places]
        count = b"%d" % len(keys)
        parts = (b"EVALSHA", script, count, *keys, _packed(self._limits), _packed(self._claims))
        return b"*%d\r\n" % len(parts) + b"".join([b"$%d\r\n%b\r\n" % (len(part), part) for part in parts])

    def results(self, reply: bytes) -> Iterator[tuple[Request, ClaimResult]]:
        """Every request with its result. Raises ``struct.error`` and ``IndexError`` for a malformed reply."""
        numbers = struct.unpack(f"<{len(reply) // 8}d", reply)
        start = 0
        for request in self.requests:
            end = start + 1 + len(request.claim)
            yield request, ClaimResult(numbers[start] == 1, numbers[start + 1 : end])
            start = end

    def _place(self, bucket: Bucket) -> int:
        place = self._places.get(bucket.key)
        if place is None:
            place = self._places[bucket.key] = len(self._places) + 1
            self._limits += (bucket.capacity, bucket.refill, 0)
        return place


def _packed(numbers: Sequence[float]) -> bytes:
    return struct.pack(f"<{len(numbers)}d", *numbers)
