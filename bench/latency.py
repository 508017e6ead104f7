"""Measure how long GraphQL queries take at CloudKeep while chunk bodies stream in. See docs/performance.md."""

import argparse
import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import mean, quantiles

from bench.clients.connection import Connection, RequestFailed
from bench.clients.payload import GIB, MIB, make_payload
from bench.clients.stream import StreamResult, streaming
from bench.clients.user import User
from bench.contenders.cloudkeep import CloudKeep
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
from bench.harness.memory_warmup import warm_memory
from bench.harness.server import Server, free_port, running

#: The first one needs no database, the second one a row.
QUERIES = {
    "__typename": "{ __typename }",
    "me": "{ me { userName } }",
    "uploads(first: 20)": "{ uploads(first: 20) { nodes { id fileName size status receivedBytes } } }",
}
#: The number of uploads to list.
LISTED = 20
#: Seconds between two queries: the rate of a person or a page, not a load of its own.
PAUSE = 0.01
#: More than any machine receives in a second, for the room that a run needs on the disk.
FASTEST = 2 * GIB
COLUMNS = {"query": False, "bodies": True, "queries": True, "median ms": True, "p95 ms": True, "p99 ms": True}

#: Milliseconds by query.
Times = Mapping[str, list[float]]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark; returns the exit code."""
    parser = create_parser("bench.latency", __doc__)
    parser.add_argument("--bodies", type=integer(1, 256), default=16, metavar="N", help="that stream in at once")
    parser.add_argument("--chunk-mib", type=integer(1, 64), default=8, metavar="MIB")
    parser.add_argument("--seconds", type=integer(1, 60), default=5, metavar="S", help="of each half of a round")
    parser.add_argument("--rounds", type=integer(1, 20), default=3, metavar="N")
    return run(parse(parser, argv), _measure)


def _measure(options: argparse.Namespace, folder: Path) -> Result:
    require_free_space(folder, options.rounds * options.seconds * FASTEST // 2)
    contender = CloudKeep()
    payload = make_payload(folder / "payload", options.chunk_mib * MIB, options.chunk_mib * MIB).path
    data = folder / "data"
    data.mkdir()
    quiet: dict[str, list[float]] = {name: [] for name in QUERIES}
    loaded: dict[str, list[float]] = {name: [] for name in QUERIES}
    loads: list[StreamResult] = []
    with running(contender.launch(data, port := free_port()), data, port) as server:
        user = User.sign_up(server)
        for _ in range(LISTED):
            user.begin(MIB, MIB)
        _run_queries(1.0, user, payload)
        for number in range(options.rounds):
            _extend(quiet, _run_queries(options.seconds, user, payload))
            warm_memory(options.seconds * GIB // 2)
            times, load = _run_under_load(options, server, user, payload)
            _extend(loaded, times)
            loads.append(load)
            report_progress(f"round {number + 1}: {load.size / MIB / load.seconds:.0f} MiB/s came in")
    return _outcome(options, quiet, loaded, loads)


def _run_under_load(
    options: argparse.Namespace, server: Server, user: User, payload: Path
) -> tuple[Times, StreamResult]:
    size, limit = options.chunk_mib * MIB, options.seconds + 30.0
    with streaming(user, payload, bodies=options.bodies, chunk_size=size, seconds=limit) as stream:
        times = _run_queries(options.seconds, user, payload)
        return times, stream.stop()


def _run_queries(seconds: float, user: User, payload: Path) -> Times:
    """Send the queries in turn, one at a time over one connection."""
    times: dict[str, list[float]] = {name: [] for name in QUERIES}
    headers = {"Authorization": f"Bearer {user.token}", "Content-Type": "application/json"}
    with Connection(user.port, payload) as connection:
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            for name, document in QUERIES.items():
                body = json.dumps({"query": document}).encode()
                start = time.perf_counter()
                answer = connection.request("POST", "/graphql", headers, body)
                times[name].append((time.perf_counter() - start) * 1000)
                if "errors" in answer.json():
                    raise RequestFailed(answer.body.decode())
                time.sleep(PAUSE)
    return times


def _extend(all_of_them: dict[str, list[float]], more: Times) -> None:
    for name, times in more.items():
        all_of_them[name] += times


def _outcome(options: argparse.Namespace, quiet: Times, loaded: Times, loads: Sequence[StreamResult]) -> Result:
    rows = [
        _row(name, bodies, times[name]) for name in QUERIES for bodies, times in ((0, quiet), (options.bodies, loaded))
    ]
    rate = mean(each.size / MIB / each.seconds for each in loads)
    cost = mean(each.cpu * GIB / each.size for each in loads)
    content = {
        "options": {name: getattr(options, name) for name in ("bodies", "chunk_mib", "seconds", "rounds")},
        "milliseconds": {"quiet": _figures(quiet), "loaded": _figures(loaded)},
        "load": [asdict(each) for each in loads],
        "samples": {"quiet": quiet, "loaded": loaded},
    }
    load = f"The bodies came in at {rate:.0f} MiB/s, which cost their sender {cost:.2f} CPU-s per GiB."
    return Result(f"{markdown_table(COLUMNS, rows)}\n\n{load}", content)


def _row(name: str, bodies: int, times: Sequence[float]) -> tuple[str, ...]:
    return (f"`{name}`", f"{bodies}", f"{len(times)}", *(f"{figure:.1f}" for figure in _percentiles(times)))


def _figures(times_by_query: Times) -> dict[str, dict[str, float]]:
    names = ("median", "p95", "p99")
    return {name: dict(zip(names, _percentiles(times), strict=True)) for name, times in times_by_query.items()}


def _percentiles(times: Sequence[float]) -> tuple[float, float, float]:
    hundredths = quantiles(times, n=100, method="inclusive")
    return round(hundredths[49], 2), round(hundredths[94], 2), round(hundredths[98], 2)


if __name__ == "__main__":
    sys.exit(main())
