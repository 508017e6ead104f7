"""An honest client: a small query about ten times a second, each over a connection of its own."""

import contextlib
import json
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

from bench.attacks.target import HONEST, HONEST_BEHIND_PROXY, PROXY

BODY = json.dumps({"query": "{ __typename }"}).encode()
PAUSE = 0.1
#: Seconds after which a client gives up. A request without an answer counts as so long.
PATIENCE = 20.0


@dataclass(frozen=True)
class Waits:
    """Milliseconds from the first packet of a connection to the end of its response."""

    worst: float
    median: float
    count: int
    failed: int


class HonestClient:
    """Asks from an address of its own, or through the trusted proxy."""

    def __init__(self, port: int, *, is_behind_proxy: bool) -> None:
        self._address = ("127.0.0.1", port)
        self._source = PROXY if is_behind_proxy else HONEST
        forwarded = f"X-Forwarded-For: {HONEST_BEHIND_PROXY}\r\n" if is_behind_proxy else ""
        self._request = (
            f"POST /graphql HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n{forwarded}"
            f"Content-Type: application/json\r\nContent-Length: {len(BODY)}\r\n\r\n"
        ).encode() + BODY

    def ask_while(self, condition: Callable[[], bool]) -> Waits:
        """Ask as long as the condition holds."""
        waits: list[float] = []
        failed = 0
        while condition():
            start = time.perf_counter()
            is_answered = self._ask()
            failed += not is_answered
            waits.append(time.perf_counter() - start if is_answered else PATIENCE)
            time.sleep(PAUSE)
        return Waits(max(waits) * 1000, median(waits) * 1000, len(waits), failed)

    def ask_for(self, seconds: float) -> Waits:
        """Ask for some seconds."""
        end = time.monotonic() + seconds
        return self.ask_while(lambda: time.monotonic() < end)

    def _ask(self) -> bool:
        with contextlib.suppress(OSError), socket.socket() as sock:
            sock.settimeout(PATIENCE)
            sock.bind((self._source, 0))
            sock.connect(self._address)
            sock.sendall(self._request)
            answer = b"".join(iter(lambda: sock.recv(65536), b""))
            return answer.startswith(b"HTTP/1.1 200 ") and b'"Query"' in answer
        return False
