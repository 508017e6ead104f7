"""Many claims as one call of the script, and its reply as their answers. ``take.lua`` says what the numbers mean."""

import asyncio
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from storage.token_buckets.base import Answer, Bucket, Claim

SCRIPT = Path(__file__).with_name("take.lua").read_text()


@dataclass(slots=True)
class Request:
    """A claim whose caller waits for the answer."""

    claim: Claim
    answer: asyncio.Future[Answer]


class Batch:
    """Claims in the order in which they are granted, and what is given back before."""

    def __init__(self, requests: Sequence[Request], returns: Sequence[tuple[Bucket, int]]) -> None:
        self.requests = requests
        self._places: dict[str, int] = {}
        self._limits: list[float] = []
        self._claims: list[float] = []
        for bucket, amount in returns:
            self._limits[3 * self._place(bucket) - 1] = amount
        for request in requests:
            self._claims.append(len(request.claim))
            for bucket, cost in request.claim:
                self._claims += (self._place(bucket), cost)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to ask."""
        return not self._places

    def command(self, script: bytes) -> bytes:
        """The call in the protocol's form (RESP); ``script`` is the digest by which the server knows the script."""
        keys = [key.encode() for key in self._places]
        count = b"%d" % len(keys)
        parts = (b"EVALSHA", script, count, *keys, _packed(self._limits), _packed(self._claims))
        return b"*%d\r\n" % len(parts) + b"".join([b"$%d\r\n%b\r\n" % (len(part), part) for part in parts])

    def answers(self, reply: bytes) -> Iterator[tuple[Request, Answer]]:
        """Every request with its answer. Raises ``struct.error`` and ``IndexError`` when the reply is none."""
        numbers = struct.unpack(f"<{len(reply) // 8}d", reply)
        at = 0
        for request in self.requests:
            beyond = at + 1 + len(request.claim)
            yield request, Answer(numbers[at] == 1, numbers[at + 1 : beyond])
            at = beyond

    def _place(self, bucket: Bucket) -> int:
        place = self._places.get(bucket.key)
        if place is None:
            place = self._places[bucket.key] = len(self._places) + 1
            self._limits += (bucket.capacity, bucket.refill, 0)
        return place


def _packed(numbers: Sequence[float]) -> bytes:
    return struct.pack(f"<{len(numbers)}d", *numbers)
