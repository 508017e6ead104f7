"""Bodies on threads: what they may do at the same time."""

import os
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from endpoints.patience import Patience, Sender
from endpoints.socket_reader import BLOCK, Body, SocketReader

AT_ONCE = os.cpu_count() or 1
BODIES = AT_ONCE + 3


class Counter:
    """How many blocks are being consumed, and how many were at most."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._now = 0
        self.most = 0
        self.bytes = 0

    def consume(self, block: memoryview) -> None:
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)
        # Long enough for all the others to come along.
        time.sleep(0.01)
        with self._lock:
            self._now -= 1
            self.bytes += len(block)


def read(counter: Counter) -> None:
    """Read a body of three blocks that somebody sends."""
    near, far = socket.socketpair()
    near.setblocking(False)
    sending = threading.Thread(target=far.sendall, args=(bytes(3 * BLOCK),))
    sending.start()
    body = Body(near, b"", 3 * BLOCK, os.eventfd(0), Sender(Patience(30.0, 1)))
    SocketReader().read(body, counter.consume)
    body.close()
    sending.join()
    far.close()


def test_no_more_blocks_are_worked_on_at_once_than_there_are_processors() -> None:
    counter = Counter()
    with ThreadPoolExecutor(BODIES) as pool:
        for done in [pool.submit(read, counter) for _ in range(BODIES)]:
            done.result()
    assert counter.bytes == BODIES * 3 * BLOCK
    assert counter.most == AT_ONCE
