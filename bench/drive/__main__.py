"""Measure operations of a drive on both databases, with many items in them. See docs/performance.md."""

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

from bench.drive import copies, deletions, graphql, listing, moving, search, uploads
from bench.drive.databases import KINDS, FilledDatabase, open_empty
from bench.drive.timing import COLUMNS, Timing
from bench.harness.command import Result, create_parser, integer, markdown_table, parse, report_progress, run


class Part(NamedTuple):
    """A part of the benchmark. It fills an empty database with items, and runs each of its operations so many times."""

    measure: Callable[[FilledDatabase, int, int], Awaitable[list[Timing]]]
    items: int


PARTS = {
    "search": Part(search.measure, 1_000_000),
    "listing": Part(listing.measure, 100_000),
    "graphql": Part(graphql.measure, 100_000),
    "move": Part(moving.measure, 100_000),
    "copy": Part(copies.measure, 5_000),
    "deletions": Part(deletions.measure, 1_000_000),
    "uploads": Part(uploads.measure, 10_000),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark; returns the exit code."""
    parser = create_parser("bench.drive", __doc__)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--database", nargs="+", choices=KINDS, default=KINDS, help="one or both")
    items = ", ".join(f"{part.items:,} for {name}" for name, part in PARTS.items())
    parser.add_argument("--items", type=integer(20, 10**7), metavar="N", help=f"default: {items}")
    parser.add_argument("--runs", type=integer(2, 10_000), default=40, metavar="N", help="of each operation")
    return run(parse(parser, argv), _measure)


def _measure(options: argparse.Namespace, folder: Path) -> Result:
    timings: list[Timing] = []
    for name in options.only:
        for kind in options.database:
            report_progress(f"{name} on {kind}")
            here = folder / f"{name}-{kind}"
            here.mkdir()
            timings += asyncio.run(_measure_part(PARTS[name], kind, here, options))
    text = markdown_table(COLUMNS, [timing.row() for timing in timings])
    return Result(text, {"timings": [asdict(timing) for timing in timings]})


async def _measure_part(part: Part, kind: str, folder: Path, options: argparse.Namespace) -> list[Timing]:
    async with open_empty(kind, folder) as database:
        return await part.measure(database, options.items or part.items, options.runs)


if __name__ == "__main__":
    sys.exit(main())
