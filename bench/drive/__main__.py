"""Measure operations of a drive on both databases, with many items in them. See docs/performance.md."""

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from bench.drive import deletions, search
from bench.drive.databases import KINDS, FilledDatabase, open_empty
from bench.drive.timing import COLUMNS, Timing
from bench.harness.command import Result, create_parser, integer, markdown_table, parse, report_progress, run

#: Each part fills an empty database with a number of items, and runs each of its operations so many times.
PARTS: dict[str, Callable[[FilledDatabase, int, int], Awaitable[list[Timing]]]] = {
    "search": search.measure,
    "deletions": deletions.measure,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark; returns the exit code."""
    parser = create_parser("bench.drive", __doc__)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--database", nargs="+", choices=KINDS, default=KINDS, help="one or both")
    parser.add_argument("--items", type=integer(10_000, 10**7), default=1_000_000, metavar="N")
    parser.add_argument("--runs", type=integer(2, 10_000), default=40, metavar="N", help="of each operation")
    return run(parse(parser, argv), _measure)


def _measure(options: argparse.Namespace, folder: Path) -> Result:
    timings: list[Timing] = []
    for part in options.only:
        for kind in options.database:
            report_progress(f"{part} on {kind}")
            here = folder / f"{part}-{kind}"
            here.mkdir()
            timings += asyncio.run(_measure_part(part, kind, here, options))
    text = markdown_table(COLUMNS, [timing.row() for timing in timings])
    return Result(text, {"timings": [asdict(timing) for timing in timings]})


async def _measure_part(part: str, kind: str, folder: Path, options: argparse.Namespace) -> list[Timing]:
    async with open_empty(kind, folder) as database:
        return await PARTS[part](database, options.items, options.runs)


if __name__ == "__main__":
    sys.exit(main())
