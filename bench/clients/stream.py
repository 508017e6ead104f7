"""Sends chunk bodies to a CloudKeep server without a pause, in a process of its own.

Reads one line of JSON with ``port``, ``token``, ``path``, ``bodies``, ``chunk_size`` and ``seconds``; prints a line as
soon as every connection has begun, goes on until its standard input is closed or the time is over, and prints what it
has sent and what that cost it.
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

from bench.clients.person import Begun, Person, Slot
from bench.clients.wire import Connection, in_lanes
from bench.contenders.cloudkeep import ROOT, put_raw
from storage.child_process import dies_with_parent

#: Slots of one upload. The last one stays empty, so that nothing is ever reassembled.
SLOTS = 257


@dataclass(frozen=True)
class Sent:
    """What went out: ``size`` in bytes, in ``seconds``, for ``cpu`` seconds of the sender."""

    size: int
    seconds: float
    cpu: float


class Stream:
    """A sender at work. Call :meth:`stop` before leaving."""

    def __init__(self, process: "Popen[str]") -> None:
        self._process = process

    def stop(self) -> Sent:
        """Let every body that is on its way come to its end."""
        assert self._process.stdout
        return Sent(**json.loads(self._process.communicate()[0]))


@contextmanager
def streaming(person: Person, path: Path, *, bodies: int, chunk_size: int, seconds: float) -> Iterator[Stream]:
    """So many bodies of ``chunk_size`` bytes at once, each the beginning of the file at ``path``."""
    order = {"port": person.port, "token": person.token, "path": str(path), "bodies": bodies}
    command = [sys.executable, "-m", "bench.clients.stream"]
    with Popen(command, cwd=ROOT, stdin=PIPE, stdout=PIPE, text=True, preexec_fn=dies_with_parent()) as process:
        try:
            assert process.stdin
            assert process.stdout
            print(json.dumps({**order, "chunk_size": chunk_size, "seconds": seconds}), file=process.stdin, flush=True)
            if not process.stdout.readline():
                raise OSError("the sender has failed")
            yield Stream(process)
        finally:
            process.kill()


class _Slots:
    """Slots without an end: one upload after the other, the last two of them open."""

    def __init__(self, person: Person, chunk_size: int) -> None:
        self._person = person
        self._chunk_size = chunk_size
        self._lock = threading.Lock()
        self._open: deque[Begun] = deque()
        self._free: deque[Slot] = deque()

    def take(self) -> Slot:
        with self._lock:
            if not self._free:
                self._begin()
            return self._free.popleft()

    def give_up(self) -> None:
        while self._open:
            self._person.abort(self._open.popleft().id)

    def _begin(self) -> None:
        # Bodies for the one before may still be on their way, but not for the one before that.
        if len(self._open) == 2:
            self._person.abort(self._open.popleft().id)
        self._open.append(self._person.begin(SLOTS * self._chunk_size, self._chunk_size))
        self._free.extend(self._open[-1].slots[:-1])


def _send(path: Path, person: Person, bodies: int, chunk_size: int, stop: threading.Event) -> int:
    """Returns how many chunks went out."""
    slots, all_begun = _Slots(person, chunk_size), threading.Barrier(bodies, lambda: print(flush=True))
    sent: list[Slot] = []

    def lane(connection: Connection) -> None:
        slot = slots.take()
        all_begun.wait()
        while not stop.is_set():
            put_raw(connection, slot, 0)
            sent.append(slot)
            slot = slots.take()

    in_lanes(person.port, path, [lane] * bodies)
    slots.give_up()
    return len(sent)


def _set_at_end_of_input(stop: threading.Event) -> None:
    sys.stdin.read()
    stop.set()


def main() -> None:
    """Do what standard input says."""
    order = json.loads(sys.stdin.readline())
    stop = threading.Event()
    limit = threading.Timer(order["seconds"], stop.set)
    limit.daemon = True
    limit.start()
    threading.Thread(target=_set_at_end_of_input, args=(stop,), daemon=True).start()
    begun, chunk_size = time.perf_counter(), order["chunk_size"]
    chunks = _send(Path(order["path"]), Person(order["port"], order["token"]), order["bodies"], chunk_size, stop)
    used = resource.getrusage(resource.RUSAGE_SELF)
    sent = Sent(chunks * chunk_size, time.perf_counter() - begun, used.ru_utime + used.ru_stime)
    print(json.dumps(asdict(sent)), flush=True)


if __name__ == "__main__":
    main()
