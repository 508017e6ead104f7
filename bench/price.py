"""Measure what the price of operations costs, and how many small queries a process answers. See docs/performance.md."""

import argparse
import asyncio
import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from bench.clients.load import ask_for, post
from bench.clients.payload import MIB
from bench.clients.person import Person
from bench.contenders.cloudkeep import API, ROLES, ROOT
from bench.harness.command import Outcome, parse, parser_of, run, say, seconds, whole
from bench.harness.server import Launch, Server, free_port, running
from bench.ingest.report import markdown

HELLO = "{ hello }"
ME = "{ me { id } }"
#: A page of objects with 8 fields each.
LIST = """{ uploads(first: %d) { nodes { id fileName size status chunkSize chunkCount receivedBytes createdAt } } }"""
#: Seconds for which each query is asked before anything is measured.
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
#: Room enough for everything that is asked: what is measured is the price, not the refusal.
PLENTY = {
    f"CLOUDKEEP_BUDGET_{layer}": f"{2 * 10**9}/{10**9}" for layer in ("GLOBAL", "ADDRESS", "ACCOUNT", "ANONYMOUS")
}


@dataclass(frozen=True)
class Contest:
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


Measured = Sequence[tuple[Contest, Sequence[Sample]]]


def main(given: Sequence[str] | None = None) -> int:
    """Run what the arguments ask for; returns the exit code."""
    parser = parser_of("bench.price", __doc__)
    parser.add_argument("--connections", type=whole(1, 256), default=32, metavar="N", help="that ask at once")
    parser.add_argument("--seconds", type=seconds(0.1, 60), default=3, metavar="S", help="for each query of a round")
    parser.add_argument("--rounds", type=whole(1, 50), default=5, metavar="N")
    parser.add_argument("--objects", type=whole(1, 100), default=100, metavar="N", help="in the list that is asked for")
    return run(parse(parser, given), _measure)


def _measure(options: argparse.Namespace, folder: Path) -> Outcome:
    with ExitStack() as stack:
        contests = list(_contests(stack, folder, options.objects))
        samples: dict[str, list[Sample]] = {contest.name + contest.query: [] for contest in contests}
        for contest in contests:
            _ask(contest, WARM_UP, options.connections)
        for number in range(options.rounds):
            for contest in contests:
                samples[contest.name + contest.query].append(_ask(contest, options.seconds, options.connections))
            say(f"round {number + 1} of {options.rounds}")
    return _outcome(options, [(contest, samples[contest.name + contest.query]) for contest in contests])


def _contests(stack: ExitStack, folder: Path, objects: int) -> Iterator[Contest]:
    for caches, name in (("caches", "Strawberry, both caches"), ("bare", "Strawberry")):
        port = free_port()
        command = [sys.executable, "-m", "bench.servers.hello", str(port), caches]
        server = _start(
            stack, folder, port, Launch(command, {"PYTHONPATH": str(ROOT)}, roles={"bench.servers.hello": API})
        )
        yield Contest(HELLO, name, server, API, post(port, "/", {}, _body(HELLO)))
    cloudkeeps = [
        (name, *_cloudkeep(stack, folder, module, objects))
        for name, module in ((UNPRICED, "bench.servers.unpriced"), (PRICED, "cloudkeep"))
    ]
    for query in (ME, LIST % objects):
        for name, server, person in cloudkeeps:
            token = {"Authorization": f"Bearer {person.token}"}
            yield Contest(query, name, server, API, post(server.port, "/graphql", token, _body(query)))


def _cloudkeep(stack: ExitStack, folder: Path, module: str, objects: int) -> tuple[Server, Person]:
    port, data = free_port(), folder / f"{module}-data"
    own = {"CLOUDKEEP_DATA_DIR": str(data), "CLOUDKEEP_PORT": str(port), "PYTHONPATH": str(ROOT), **PLENTY}
    server = _start(stack, folder, port, Launch([sys.executable, "-m", module, "serve"], own, "/readyz", ROLES))
    person = Person.sign_up(server)
    for _ in range(objects):
        person.begin(MIB, MIB)
    return server, person


def _start(stack: ExitStack, folder: Path, port: int, launch: Launch) -> Server:
    own = folder / str(port)
    own.mkdir()
    return stack.enter_context(running(launch, own, port))


def _body(query: str) -> bytes:
    return json.dumps({"query": query}).encode()


def _ask(contest: Contest, seconds: float, connections: int) -> Sample:
    before = contest.server.cpu_seconds()[contest.role]
    answered = asyncio.run(ask_for(seconds, contest.server.port, contest.request, connections))
    spent = contest.server.cpu_seconds()[contest.role] - before
    return Sample(spent / answered.count, answered.count / answered.seconds)


def _outcome(options: argparse.Namespace, measured: Measured) -> Outcome:
    rows = [_row(contest, samples, measured[0][1], _unpriced(contest, measured)) for contest, samples in measured]
    content = {
        "options": {name: getattr(options, name) for name in ("connections", "seconds", "rounds", "objects")},
        "samples": [
            {"query": contest.query, "server": contest.name, "samples": [asdict(sample) for sample in samples]}
            for contest, samples in measured
        ],
    }
    return Outcome(markdown(COLUMNS, rows), content)


def _unpriced(contest: Contest, measured: Measured) -> Sequence[Sample]:
    """What the same query took without prices; nothing for any other server than the one that has them."""
    pairs = [samples for other, samples in measured if (other.query, other.name) == (contest.query, UNPRICED)]
    return pairs[0] if pairs and contest.name == PRICED else []


def _row(
    contest: Contest, samples: Sequence[Sample], first: Sequence[Sample], unpriced: Sequence[Sample]
) -> tuple[str, ...]:
    cpu = median(sample.cpu for sample in samples)
    # Ratios are taken within each round, for the machine changes from one to the next.
    rates = [mine.rate / other.rate for mine, other in zip(samples, first, strict=True)]
    costs = [mine.cpu / other.cpu for mine, other in zip(samples, unpriced, strict=False)]
    query = " ".join(contest.query.split())
    return (
        f"`{query if len(query) < 40 else query[:37] + '...'}`",
        contest.name,
        f"{cpu * 1000:.3f}",
        f"{1 / cpu:.0f}",
        f"{median(sample.rate for sample in samples):.0f}",
        f"{median(rates):.2f}",
        f"{median(costs):.2f}" if costs else "",
    )


if __name__ == "__main__":
    sys.exit(main())
