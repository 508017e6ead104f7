"""Measure the cost of prices, and how many small queries a process answers. See docs/performance.md."""

import argparse
import asyncio
import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from bench.clients.load import encode_post, generate_load
from bench.clients.payload import MIB
from bench.clients.user import User
from bench.contenders.cloudkeep import API, ROLES
from bench.harness.command import (
    ROOT,
    Result,
    create_parser,
    integer,
    markdown_table,
    parse,
    report_progress,
    run,
    seconds,
)
from bench.harness.server import Launch, Server, free_port, running

HELLO = "{ hello }"
ME = "{ me { id } }"
#: A page of objects with 8 fields each.
LIST = """{ uploads(first: %d) { nodes { id fileName size status chunkSize chunkCount receivedBytes createdAt } } }"""
#: Seconds for which each query runs before the measurement.
WARM_UP = 0.2
COLUMNS = {
    "query": False,
    "server": False,
    "CPU ms per request": True,
    "requests per CPU-s": True,
    "requests/s": True,
    "requests/s of the first": True,
    "CPU of the same without prices": True,
}
UNPRICED, PRICED = "CloudKeep without prices", "CloudKeep"
#: Large enough budgets, so that no query is refused.
PLENTY = {
    f"CLOUDKEEP_BUDGET_{layer}": f"{2 * 10**9}/{10**9}" for layer in ("GLOBAL", "ADDRESS", "ACCOUNT", "ANONYMOUS")
}


@dataclass(frozen=True)
class Case:
    """A query at a server; ``role`` is the process that answers."""

    query: str
    name: str
    server: Server
    role: str
    request: bytes


@dataclass(frozen=True)
class Sample:
    """Seconds of the answering process's time for each request, and requests per second."""

    cpu: float
    rate: float


Results = Sequence[tuple[Case, Sequence[Sample]]]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark; returns the exit code."""
    parser = create_parser("bench.price", __doc__)
    parser.add_argument("--connections", type=integer(1, 256), default=32, metavar="N", help="sending at once")
    parser.add_argument("--seconds", type=seconds(0.1, 60), default=3, metavar="S", help="for each query of a round")
    parser.add_argument("--rounds", type=integer(1, 50), default=5, metavar="N")
    parser.add_argument("--objects", type=integer(1, 100), default=100, metavar="N", help="in the list of the query")
    return run(parse(parser, argv), _measure)


def _measure(options: argparse.Namespace, folder: Path) -> Result:
    with ExitStack() as stack:
        cases = list(_cases(stack, folder, options.objects))
        samples: dict[str, list[Sample]] = {case.name + case.query: [] for case in cases}
        for case in cases:
            _run_load(case, WARM_UP, options.connections)
        for number in range(options.rounds):
            for case in cases:
                samples[case.name + case.query].append(_run_load(case, options.seconds, options.connections))
            report_progress(f"round {number + 1} of {options.rounds}")
    return _outcome(options, [(case, samples[case.name + case.query]) for case in cases])


def _cases(stack: ExitStack, folder: Path, objects: int) -> Iterator[Case]:
    for caches, name in (("caches", "Strawberry, both caches"), ("bare", "Strawberry")):
        port = free_port()
        command = [sys.executable, "-m", "bench.servers.hello", str(port), caches]
        server = _start(
            stack, folder, port, Launch(command, {"PYTHONPATH": str(ROOT)}, roles={"bench.servers.hello": API})
        )
        yield Case(HELLO, name, server, API, encode_post(port, "/", {}, _body(HELLO)))
    cloudkeeps = [
        (name, *_cloudkeep(stack, folder, module, objects))
        for name, module in ((UNPRICED, "bench.servers.unpriced"), (PRICED, "cloudkeep"))
    ]
    for query in (ME, LIST % objects):
        for name, server, user in cloudkeeps:
            token = {"Authorization": f"Bearer {user.token}"}
            yield Case(query, name, server, API, encode_post(server.port, "/graphql", token, _body(query)))


def _cloudkeep(stack: ExitStack, folder: Path, module: str, objects: int) -> tuple[Server, User]:
    port, data = free_port(), folder / f"{module}-data"
    own = {"CLOUDKEEP_DATA_DIR": str(data), "CLOUDKEEP_PORT": str(port), "PYTHONPATH": str(ROOT), **PLENTY}
    server = _start(stack, folder, port, Launch([sys.executable, "-m", module, "serve"], own, "/readyz", ROLES))
    user = User.sign_up(server)
    for _ in range(objects):
        user.begin(MIB, MIB)
    return server, user


def _start(stack: ExitStack, folder: Path, port: int, launch: Launch) -> Server:
    own = folder / str(port)
    own.mkdir()
    return stack.enter_context(running(launch, own, port))


def _body(query: str) -> bytes:
    return json.dumps({"query": query}).encode()


def _run_load(case: Case, seconds: float, connections: int) -> Sample:
    before = case.server.cpu_seconds()[case.role]
    result = asyncio.run(generate_load(seconds, case.server.port, case.request, connections))
    spent = case.server.cpu_seconds()[case.role] - before
    return Sample(spent / result.count, result.count / result.seconds)


def _outcome(options: argparse.Namespace, measured: Results) -> Result:
    rows = [_row(case, samples, measured[0][1], _unpriced(case, measured)) for case, samples in measured]
    content = {
        "options": {name: getattr(options, name) for name in ("connections", "seconds", "rounds", "objects")},
        "samples": [
            {"query": case.query, "server": case.name, "samples": [asdict(sample) for sample in samples]}
            for case, samples in measured
        ],
    }
    return Result(markdown_table(COLUMNS, rows), content)


def _unpriced(case: Case, measured: Results) -> Sequence[Sample]:
    """The result of the same query without prices; nothing for servers that have no prices."""
    pairs = [samples for other, samples in measured if (other.query, other.name) == (case.query, UNPRICED)]
    return pairs[0] if pairs and case.name == PRICED else []


def _row(case: Case, samples: Sequence[Sample], first: Sequence[Sample], unpriced: Sequence[Sample]) -> tuple[str, ...]:
    cpu = median(sample.cpu for sample in samples)
    # Ratios are taken within each round, because the machine changes from one round to the next.
    rates = [mine.rate / other.rate for mine, other in zip(samples, first, strict=True)]
    costs = [mine.cpu / other.cpu for mine, other in zip(samples, unpriced, strict=False)]
    query = " ".join(case.query.split())
    return (
        f"`{query if len(query) < 40 else query[:37] + '...'}`",
        case.name,
        f"{cpu * 1000:.3f}",
        f"{1 / cpu:.0f}",
        f"{median(sample.rate for sample in samples):.0f}",
        f"{median(rates):.2f}",
        f"{median(costs):.2f}" if costs else "",
    )


if __name__ == "__main__":
    sys.exit(main())
