"""Rounds: in each, every server is started anew and takes the same file in; who begins changes from round to round."""

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.contender import Contender
from bench.payload import MIB, Payload
from bench.server import free_port, running

#: Seconds after READY in which what a server still does is counted as its work.
SETTLE = 0.3
GIB = 1024 * MIB


@dataclass(frozen=True)
class Sample:
    """One upload. ``wall_seconds`` ends with the answer to the last chunk, and there ``ready_seconds`` begins."""

    server: str
    round: int
    wall_seconds: float
    ready_seconds: float
    mib_per_second: float
    cpu_seconds_per_gib: float
    peak_mib: float


class Damaged(Exception):
    """A server does not have the bytes that it was sent."""


def measure(contender: Contender, payload: Payload, warm_up: Payload, folder: Path, number: int) -> Sample:
    """Upload once, after a small upload that is not counted. Raises :class:`Damaged`, and what the parts raise."""
    folder.mkdir()
    with running(contender.launch(folder, port := free_port()), folder, port) as server:
        client = contender.client(server)
        client.send(warm_up)
        client.finish()
        before, begun = server.cpu_seconds(), time.perf_counter()
        client.send(payload)
        sent = time.perf_counter()
        client.finish()
        ready = time.perf_counter()
        time.sleep(SETTLE)
        cpu, peak = server.cpu_seconds() - before, server.peak_bytes()
        if client.stored_sha256() != payload.sha256:
            raise Damaged(f"{contender.name} does not have the bytes that it was sent")
    return _sample(contender.name, number, payload.size, sent - begun, ready - sent, cpu, peak)


def rounds(
    contenders: Sequence[Contender],
    count: int,
    payloads: tuple[Payload, Payload],
    folder: Path,
    say: Callable[[str], None],
) -> Iterator[Sample]:
    """Every contender in every round. ``payloads``: what is measured, and what each server is warmed up with."""
    for number in range(count):
        first = number % len(contenders)
        for contender in [*contenders[first:], *contenders[:first]]:
            with _folder(folder) as place:
                sample = measure(contender, *payloads, place / "data", number + 1)
            say(f"round {number + 1}: {contender.name}, {sample.mib_per_second:.0f} MiB/s")
            yield sample


@contextmanager
def _folder(parent: Path) -> Iterator[Path]:
    place = Path(tempfile.mkdtemp(prefix="round-", dir=parent))
    try:
        yield place
    finally:
        shutil.rmtree(place)


def _sample(name: str, number: int, size: int, wall: float, ready: float, cpu: float, peak: int) -> Sample:
    return Sample(
        server=name,
        round=number,
        wall_seconds=round(wall, 3),
        ready_seconds=round(ready, 3),
        mib_per_second=round(size / MIB / wall, 1),
        cpu_seconds_per_gib=round(cpu * GIB / size, 3),
        peak_mib=round(peak / MIB, 1),
    )
