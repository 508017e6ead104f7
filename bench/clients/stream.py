"""Sends chunk bodies to a CloudKeep server without a pause, in a process of its own.

Reads one line of JSON with ``port``, ``token``, ``path``, ``bodies``, ``chunk_size`` and ``seconds``; prints a line as
soon as every connection has started, continues until its standard input is closed or the time is over, and prints the
bytes that it sent and its processor time.
"""

import json
import resource
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from subprocess import PIPE, Popen

from bench.clients.connection import Connection, run_on_connections
from bench.clients.user import OpenedUpload, Slot, User
from bench.contenders.cloudkeep import put_raw
from bench.harness.command import ROOT
from storage.child_process import dies_with_parent

#: Slots of one upload. The last one stays empty, so that nothing is ever reassembled.
SLOTS = 257


@dataclass(frozen=True)
class StreamResult:
    """The result: ``size`` bytes in ``seconds``, with ``cpu`` seconds of the sender's processor."""

    size: int
    seconds: float
    cpu: float


class Stream:
    """A running sender. Call :meth:`stop` before leaving."""

    def __init__(self, process: "Popen[str]") -> None:
        self._process = process

    def stop(self) -> StreamResult:
        """Wait for the bodies in flight and return the result."""
        assert self._process.stdout
        return StreamResult(**json.loads(self._process.communicate()[0]))


@contextmanager
def streaming(user: User, path: Path, *, bodies: int, chunk_size: int, seconds: float) -> Iterator[Stream]:
    """Send ``bodies`` chunk bodies of ``chunk_size`` bytes in parallel, each the start of the file at ``path``."""
    options = {"port": user.port, "token": user.token, "path": str(path), "bodies": bodies}
    command = [sys.executable, "-m", "bench.clients.stream"]
    with Popen(command, cwd=ROOT, stdin=PIPE, stdout=PIPE, text=True, preexec_fn=dies_with_parent()) as process:
        try:
            assert process.stdin
            assert process.stdout
            print(json.dumps({**options, "chunk_size": chunk_size, "seconds": seconds}), file=process.stdin, flush=True)
            if not process.stdout.readline():
                raise OSError("the sender has failed")
            yield Stream(process)
        finally:
            process.kill()


class _EndlessSlots:
    """An endless supply of slots: opens one upload after another, and keeps the last two open."""

    def __init__(self, user: User, chunk_size: int) -> None:
        self._user = user
        self._chunk_size = chunk_size
        self._lock = threading.Lock()
        self._open: deque[OpenedUpload] = deque()
        self._free: deque[Slot] = deque()

    def take(self) -> Slot:
        with self._lock:
            if not self._free:
                self._begin()
            return self._free.popleft()

    def abort_uploads(self) -> None:
        while self._open:
            self._user.abort(self._open.popleft().id)

    def _begin(self) -> None:
        # Bodies for the one before may still be on their way, but not for the one before that.
        if len(self._open) == 2:
            self._user.abort(self._open.popleft().id)
        self._open.append(self._user.begin(SLOTS * self._chunk_size, self._chunk_size))
        self._free.extend(self._open[-1].slots[:-1])


def _send(path: Path, user: User, bodies: int, chunk_size: int, stop: threading.Event) -> int:
    """Returns the number of sent chunks."""
    slots, all_connected = _EndlessSlots(user, chunk_size), threading.Barrier(bodies, lambda: print(flush=True))
    sent_slots: list[Slot] = []

    def worker(connection: Connection) -> None:
        slot = slots.take()
        all_connected.wait()
        while not stop.is_set():
            put_raw(connection, slot, 0)
            sent_slots.append(slot)
            slot = slots.take()

    run_on_connections(user.port, path, [worker] * bodies)
    slots.abort_uploads()
    return len(sent_slots)


def _set_at_end_of_input(stop: threading.Event) -> None:
    sys.stdin.read()
    stop.set()


def main() -> None:
    """Read the options from standard input and send until the time is over or the input is closed."""
    options = json.loads(sys.stdin.readline())
    stop = threading.Event()
    limit = threading.Timer(options["seconds"], stop.set)
    limit.daemon = True
    limit.start()
    threading.Thread(target=_set_at_end_of_input, args=(stop,), daemon=True).start()
    start, chunk_size = time.perf_counter(), options["chunk_size"]
    chunks = _send(Path(options["path"]), User(options["port"], options["token"]), options["bodies"], chunk_size, stop)
    usage = resource.getrusage(resource.RUSAGE_SELF)
    result = StreamResult(chunks * chunk_size, time.perf_counter() - start, usage.ru_utime + usage.ru_stime)
    print(json.dumps(asdict(result)), flush=True)


if __name__ == "__main__":
    main()
