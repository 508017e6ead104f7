"""Measure the space and work that CloudKeep's data takes in its stores. docs/scaling.md computes from it.

PostgreSQL, Valkey and S3 are those of the tests, but every commit is synced to the disk.
"""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from bench.growth import memory, receipts, requests, rows
from bench.growth.figure import Figure
from bench.harness.command import Result, create_parser, integer, markdown_table, parse, report_progress, run
from storage.database.connection import migrate
from storage.redis.valkey import EmbeddedValkey
from tests.support.backends.postgres import DURABLE, PostgresServer, postgres_server
from tests.support.process import free_port

COLUMNS = {"for each": False, "": True, "of": False, "measured": True}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark; returns the exit code."""
    parser = create_parser("bench.growth", __doc__)
    parser.add_argument("--uploads", type=integer(100, 10**6), default=20_000, metavar="N")
    parser.add_argument("--chunks", type=integer(1, 10_000), default=64, metavar="N", help="of each upload")
    parser.add_argument("--events", type=integer(1000, 50_000), default=20_000, metavar="N")
    parser.add_argument("--senders", nargs="+", type=integer(1, 256), default=[1, 8, 32], metavar="N")
    parser.add_argument("--receipts", type=integer(10, 10_000), default=300, metavar="N", help="for each sender")
    parser.add_argument("--size-mib", type=integer(16, 4096), default=256, metavar="MIB", help="sent to S3")
    return run(parse(parser, argv), _measure)


def _measure(options: argparse.Namespace, folder: Path) -> Result:
    with postgres_server(free_port(), DURABLE) as server:
        figures = [
            *_of_rows(server, options),
            *asyncio.run(_of_memory(folder, options.events)),
            *(figure for senders in options.senders for figure in _of_receipts(server, senders, options.receipts)),
            *requests.measure(server, folder, options.size_mib),
        ]
    return Result(markdown_table(COLUMNS, map(_row, figures)), {"figures": [asdict(figure) for figure in figures]})


def _of_rows(server: PostgresServer, options: argparse.Namespace) -> list[Figure]:
    report_progress("rows")
    url = asyncio.run(_database(server, "rows"))
    return asyncio.run(rows.measure(url, options.uploads, options.chunks))


async def _of_memory(folder: Path, count: int) -> list[Figure]:
    report_progress("memory")
    valkey = EmbeddedValkey(folder)
    await valkey.start()
    try:
        return await memory.measure(valkey.url, count)
    finally:
        await valkey.stop()


def _of_receipts(server: PostgresServer, senders: int, chunks: int) -> list[Figure]:
    report_progress(f"receipts of {senders}")
    url = asyncio.run(_database(server, f"receipts_{senders}"))
    return asyncio.run(receipts.measure(url, server.pid, senders, chunks))


async def _database(server: PostgresServer, name: str) -> str:
    await rows.create(server.url("postgres"), name)
    url = server.url(name)
    await migrate(url)
    return url


def _row(figure: Figure) -> tuple[str, ...]:
    digits = 0 if figure.value >= 100 or figure.value == int(figure.value) else 2
    return figure.per, f"{figure.value:,.{digits}f}", figure.unit, f"{figure.count:,}"


if __name__ == "__main__":
    sys.exit(main())
