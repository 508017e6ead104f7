"""Measure how long GraphQL queries take at CloudKeep while chunk bodies stream in. See docs/performance.md."""

import argparse
import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import mean, quantiles

from bench.clients.payload import MIB, make_payload
from bench.clients.person import Person
from bench.clients.stream import Sent, streaming
from bench.clients.wire import Connection, WireError
from bench.contenders.cloudkeep import CloudKeep
from bench.harness.command import Outcome, parse, parser_of, require_room, run, say, whole
from bench.harness.server import Server, free_port, running
from bench.harness.warmth import warm
from bench.ingest.report import markdown
from bench.ingest.rounds import GIB

#: The first one needs no database, the second one a row.
QUERIES = {
    "__typename": "{ __typename }",
    "me": "{ me { userName } }",
    "uploads(first: 20)": "{ uploads(first: 20) { nodes { id fileName size status receivedBytes } } }",
}
#: There are so many uploads to list.
LISTED = 20
#: Seconds between two queries: a person, or a page, and not a flood of its own.
PAUSE = 0.01
#: More than any machine receives in a second, for the room that a run needs on the disk.
FASTEST = 2 * GIB
COLUMNS = {"query": False, "bodies": True, "queries": True, "median ms": True, "p95 ms": True, "p99 ms": True}

#: Milliseconds by query.
Times = Mapping[str, list[float]]


def main(given: Sequence[str] | None = None) -> int:
    """Run what the arguments ask for; returns the exit code."""
    parser = parser_of("bench.latency", __doc__)
    parser.add_argument("--bodies", type=whole(1, 256), default=16, metavar="N", help="that stream in at once")
    parser.add_argument("--chunk-mib", type=whole(1, 64), default=8, metavar="MIB")
    parser.add_argument("--seconds", type=whole(1, 60), default=5, metavar="S", help="of each half of a round")
    parser.add_argument("--rounds", type=whole(1, 20), default=3, metavar="N")
    return run(parse(parser, given), _measure)


def _measure(options: argparse.Namespace, folder: Path) -> Outcome:
    require_room(folder, options.rounds * options.seconds * FASTEST // 2)
    contender = CloudKeep()
    payload = make_payload(folder / "payload", options.chunk_mib * MIB, options.chunk_mib * MIB).path
    data = folder / "data"
    data.mkdir()
    quiet: dict[str, list[float]] = {name: [] for name in QUERIES}
    loaded: dict[str, list[float]] = {name: [] for name in QUERIES}
    sent: list[Sent] = []
    with running(contender.launch(data, port := free_port()), data, port) as server:
        person = Person.sign_up(server)
        for _ in range(LISTED):
            person.begin(MIB, MIB)
        _ask_for(1.0, person, payload)
        for number in range(options.rounds):
            _extend(quiet, _ask_for(options.seconds, person, payload))
            warm(options.seconds * GIB // 2)
            times, load = _loaded(options, server, person, payload)
            _extend(loaded, times)
            sent.append(load)
            say(f"round {number + 1}: {load.size / MIB / load.seconds:.0f} MiB/s came in")
    return _outcome(options, quiet, loaded, sent)


def _loaded(options: argparse.Namespace, server: Server, person: Person, payload: Path) -> tuple[Times, Sent]:
    size, limit = options.chunk_mib * MIB, options.seconds + 30.0
    with streaming(person, payload, bodies=options.bodies, chunk_size=size, seconds=limit) as stream:
        times = _ask_for(options.seconds, person, payload)
        return times, stream.stop()


def _ask_for(seconds: float, person: Person, payload: Path) -> Times:
    """Ask the queries in turn, one at a time over one connection."""
    times: dict[str, list[float]] = {name: [] for name in QUERIES}
    headers = {"Authorization": f"Bearer {person.token}", "Content-Type": "application/json"}
    with Connection(person.port, payload) as connection:
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            for name, document in QUERIES.items():
                body = json.dumps({"query": document}).encode()
                begun = time.perf_counter()
                answer = connection.ask("POST", "/graphql", headers, body)
                times[name].append((time.perf_counter() - begun) * 1000)
                if "errors" in answer.json():
                    raise WireError(answer.body.decode())
                time.sleep(PAUSE)
    return times


def _extend(all_of_them: dict[str, list[float]], more: Times) -> None:
    for name, times in more.items():
        all_of_them[name] += times


def _outcome(options: argparse.Namespace, quiet: Times, loaded: Times, sent: Sequence[Sent]) -> Outcome:
    rows = [
        _row(name, bodies, found[name]) for name in QUERIES for bodies, found in ((0, quiet), (options.bodies, loaded))
    ]
    rate = mean(one.size / MIB / one.seconds for one in sent)
    cost = mean(one.cpu * GIB / one.size for one in sent)
    content = {
        "options": {name: getattr(options, name) for name in ("bodies", "chunk_mib", "seconds", "rounds")},
        "milliseconds": {"quiet": _figures(quiet), "loaded": _figures(loaded)},
        "load": [asdict(one) for one in sent],
        "samples": {"quiet": quiet, "loaded": loaded},
    }
    load = f"The bodies came in at {rate:.0f} MiB/s, which cost their sender {cost:.2f} CPU-s per GiB."
    return Outcome(f"{markdown(COLUMNS, rows)}\n\n{load}", content)


def _row(name: str, bodies: int, times: Sequence[float]) -> tuple[str, ...]:
    return (f"`{name}`", f"{bodies}", f"{len(times)}", *(f"{figure:.1f}" for figure in _percentiles(times)))


def _figures(found: Times) -> dict[str, dict[str, float]]:
    names = ("median", "p95", "p99")
    return {name: dict(zip(names, _percentiles(times), strict=True)) for name, times in found.items()}


def _percentiles(times: Sequence[float]) -> tuple[float, float, float]:
    hundredths = quantiles(times, n=100, method="inclusive")
    return round(hundredths[49], 2), round(hundredths[94], 2), round(hundredths[98], 2)


if __name__ == "__main__":
    sys.exit(main())
