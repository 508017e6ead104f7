"""Rounds: each starts every server and sends it the same file. Another server begins in each round."""

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from bench.clients.payload import GIB, MIB, Payload
from bench.contenders.base import Contender
from bench.harness.command import BenchmarkFailed
from bench.harness.memory_warmup import warm_memory
from bench.harness.server import Server, free_port, running

#: Seconds after READY in which processor time still counts as work of the server.
SETTLE = 0.3
#: The file, its chunks and the joined file may exist at the same time.
COPIES = 3


@dataclass(frozen=True)
class Sample:
    """One upload. ``wall_seconds`` ends with the answer to the last chunk, and there ``ready_seconds`` begins.

    CPU seconds are per GiB of the file. ``ingest_cpu``: of the processes that take chunks in, until the answer to the
    last one. ``cpu``: of everything, until shortly after READY; ``cpu_by_process`` is the same by role.
    """

    server: str
    round: int
    wall_seconds: float
    ready_seconds: float
    mib_per_second: float
    ingest_cpu: float
    cpu: float
    cpu_by_process: dict[str, float]
    peak_mib: float


@dataclass(frozen=True)
class _Usage:
    at: float
    cpu: Mapping[str, float]

    @classmethod
    def of(cls, server: Server) -> Self:
        return cls(time.perf_counter(), server.cpu_seconds())

    def cpu_until(self, later: Self, size: int) -> dict[str, float]:
        """Seconds by role for every GiB of ``size``."""
        return {role: (seconds - self.cpu.get(role, 0.0)) * GIB / size for role, seconds in later.cpu.items()}


class DataCorrupted(BenchmarkFailed):
    """A server does not have the bytes that it was sent."""


def measure(contender: Contender, payload: Payload, warm_up: Payload, folder: Path, number: int) -> Sample:
    """Upload once, after a small upload that is not counted. Raises :class:`BenchmarkFailed`."""
    folder.mkdir()
    with running(contender.launch(folder, port := free_port()), folder, port) as server:
        client = contender.client(server)
        client.send(warm_up)
        client.finish()
        warm_memory(COPIES * payload.size)
        start = _Usage.of(server)
        client.send(payload)
        last_answer = _Usage.of(server)
        client.finish()
        ready = time.perf_counter()
        time.sleep(SETTLE)
        end = _Usage.of(server)
        peak = sum(server.peak_bytes().values())
        if client.stored_sha256() != payload.sha256:
            raise DataCorrupted(f"{contender.name} does not have the bytes that it was sent")
    ingest, everything = start.cpu_until(last_answer, payload.size), start.cpu_until(end, payload.size)
    return Sample(
        server=contender.name,
        round=number,
        wall_seconds=round(last_answer.at - start.at, 3),
        ready_seconds=round(ready - last_answer.at, 3),
        mib_per_second=round(payload.size / MIB / (last_answer.at - start.at), 1),
        ingest_cpu=round(ingest[contender.ingest_role] if contender.ingest_role else sum(ingest.values()), 3),
        cpu=round(sum(everything.values()), 3),
        cpu_by_process={role: round(seconds, 3) for role, seconds in everything.items()},
        peak_mib=round(peak / MIB, 1),
    )


def run_rounds(
    contenders: Sequence[Contender],
    count: int,
    payloads: tuple[Payload, Payload],
    folder: Path,
    report_progress: Callable[[str], None],
) -> Iterator[Sample]:
    """Every contender in every round. ``payloads``: what is measured, and what each server is warmed up with."""
    for number in range(count):
        first = number % len(contenders)
        for contender in [*contenders[first:], *contenders[:first]]:
            with _temporary_folder(folder) as place:
                sample = measure(contender, *payloads, place / "data", number + 1)
            report_progress(f"round {number + 1}: {contender.name}, {sample.mib_per_second:.0f} MiB/s")
            yield sample


@contextmanager
def _temporary_folder(parent: Path) -> Iterator[Path]:
    place = Path(tempfile.mkdtemp(prefix="round-", dir=parent))
    try:
        yield place
    finally:
        shutil.rmtree(place)
