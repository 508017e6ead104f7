"""Measure CloudKeep's memory with many chunks in flight, and over a very large file. See docs/performance.md."""

import argparse
import shutil
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from bench.clients.connection import Connection, run_on_connections, send_over_connections
from bench.clients.payload import GIB, MIB, make_payload
from bench.clients.user import Slot, User
from bench.contenders.cloudkeep import API, NO_THREADS, CloudKeep, put_raw
from bench.harness.command import (
    Result,
    create_parser,
    integer,
    markdown_table,
    parse,
    report_progress,
    require_free_space,
    run,
)
from bench.harness.server import Server, free_port, running

#: Peaks are recorded when these parts of the large file have arrived.
MARKS = (0.05, 0.25, 0.5, 1.0)
#: Seconds in which the server reads what was sent, while every body waits for its second half.
SETTLE = 0.5
ROLES = (API, "worker", "valkey-server", "supervisor")

#: Peak bytes by role.
Peaks = Mapping[str, float]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark; returns the exit code."""
    parser = create_parser("bench.memory", __doc__)
    parser.add_argument("--bodies", type=integer(1, 512), default=64, metavar="N", help="in flight at once")
    parser.add_argument("--chunk-mib", type=integer(1, 64), default=16, metavar="MIB")
    parser.add_argument("--file-gib", type=float, default=20.0, metavar="GIB", help="the large file; 0 for none")
    return run(parse(parser, argv), _measure)


def _measure(options: argparse.Namespace, folder: Path) -> Result:
    chunk, file_size = options.chunk_mib * MIB, int(options.file_gib * GIB)
    in_flight = options.bodies * chunk
    require_free_space(folder, 2 * in_flight + file_size + GIB)
    zeros = folder / "zeros"
    with zeros.open("wb") as file:
        file.truncate(max(file_size, in_flight))
    peaks: dict[str, Peaks] = {}
    for name, contender in (("", CloudKeep()), (", by the event loop", CloudKeep(settings=NO_THREADS))):
        with _warm_server(contender, folder) as (server, user):
            peaks[f"before, after a small upload{name}"] = server.peak_bytes()
            peaks[f"{options.bodies} bodies in flight{name}"] = _in_flight(server, user, zeros, options.bodies, chunk)
    if file_size:
        with _warm_server(CloudKeep(), folder) as (server, user):
            peaks |= _large_file(server, user, zeros, file_size, chunk)
    columns = {"peak MiB": False, **dict.fromkeys((*ROLES, "all"), True)}
    sizes = {name: getattr(options, name) for name in ("bodies", "chunk_mib", "file_gib")}
    return Result(markdown_table(columns, map(_row, peaks, peaks.values())), {"options": sizes, "peak_bytes": peaks})


@contextmanager
def _warm_server(contender: CloudKeep, folder: Path) -> Iterator[tuple[Server, User]]:
    """A server that has received a small file; peaks count from then on."""
    data = folder / f"data-{next(_numbers)}"
    data.mkdir()
    with running(contender.launch(data, port := free_port()), data, port) as server:
        user = User.sign_up(server)
        small = make_payload(folder / "small", 8 * MIB, MIB)
        upload = user.begin(small.size, MIB)
        send_over_connections(port, small.path, upload.slots, _put)
        user.wait_until_ready(upload.id)
        server.forget_peaks()
        yield server, user
    shutil.rmtree(data)


_numbers = count()


def _in_flight(server: Server, user: User, zeros: Path, bodies: int, chunk: int) -> Peaks:
    """Every body waits halfway until all of them have."""
    all_started = threading.Barrier(bodies, lambda: time.sleep(SETTLE))
    # One slot stays empty: what is measured ends with the last answer.
    slots = iter(user.begin((bodies + 1) * chunk, chunk).slots)

    def worker(connection: Connection) -> None:
        put_raw(connection, slot := next(slots), slot.offset, all_started.wait)

    run_on_connections(user.port, zeros, [worker] * bodies)
    peaks = server.peak_bytes()
    report_progress(f"{bodies} bodies: {_mib(peaks[API])} MiB")
    return peaks


def _large_file(server: Server, user: User, zeros: Path, size: int, chunk: int) -> dict[str, Peaks]:
    """Peaks on the way through a file of zeros, and when it is READY."""
    upload = user.begin(size, chunk)
    peaks: dict[str, Peaks] = {}
    marks, lock, arrived = list(MARKS), threading.Lock(), 0

    def send(connection: Connection, slot: Slot) -> None:
        nonlocal arrived
        _put(connection, slot)
        with lock:
            arrived += slot.size
            while marks and arrived >= marks[0] * size:
                peaks[f"{marks.pop(0) * size / GIB:g} GiB of a file"] = server.peak_bytes()

    send_over_connections(user.port, zeros, upload.slots, send)
    user.wait_until_ready(upload.id)
    peaks["the file is READY"] = server.peak_bytes()
    return peaks


def _put(connection: Connection, slot: Slot) -> None:
    put_raw(connection, slot, slot.offset)


def _row(name: str, peaks: Peaks) -> tuple[str, ...]:
    return (name, *(_mib(peaks.get(role, 0.0)) for role in ROLES), _mib(sum(peaks.values())))


def _mib(size: float) -> str:
    return f"{size / MIB:.0f}"


if __name__ == "__main__":
    sys.exit(main())
