"""Measure how soon after its last chunk a file of CloudKeep is READY, by its size. See docs/performance.md."""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import median

from bench.clients.payload import MIB, make_payload
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
from bench.ingest.rounds import COPIES, Sample, run_rounds

COLUMNS = {
    "file, MiB": True,
    "wall s": True,
    "READY after s (all)": True,
    "ingest CPU-s per GiB": True,
    "CPU-s per GiB until READY": True,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark; returns the exit code."""
    parser = create_parser("bench.ready", __doc__)
    parser.add_argument("--sizes-mib", nargs="+", type=integer(1, 65536), default=[256, 1024, 4096], metavar="MIB")
    parser.add_argument("--chunk-mib", type=integer(1, 64), default=8, metavar="MIB")
    parser.add_argument("--rounds", type=integer(1, 100), default=3, metavar="N")
    return run(parse(parser, argv), _measure)


def _measure(options: argparse.Namespace, folder: Path) -> Result:
    require_free_space(folder, max(options.sizes_mib) * MIB * (COPIES + 1))
    samples_by_size = {size: _samples(size, options, folder) for size in options.sizes_mib}
    content = {str(size): [asdict(sample) for sample in samples] for size, samples in samples_by_size.items()}
    return Result(
        markdown_table(COLUMNS, (_row(size, samples) for size, samples in samples_by_size.items())),
        {"sizes_mib": content},
    )


def _samples(size: int, options: argparse.Namespace, folder: Path) -> list[Sample]:
    report_progress(f"{size} MiB:")
    chunk = options.chunk_mib * MIB
    path = folder / "payload"
    payloads = (
        make_payload(path, size * MIB, chunk),
        make_payload(folder / "warm-up", min(4 * chunk, size * MIB), chunk),
    )
    try:
        return list(run_rounds([CloudKeep()], options.rounds, payloads, folder, report_progress))
    finally:
        path.unlink()


def _row(size: int, samples: Sequence[Sample]) -> tuple[str, ...]:
    ready = [sample.ready_seconds for sample in samples]
    return (
        f"{size}",
        f"{median(sample.wall_seconds for sample in samples):.2f}",
        f"{median(ready):.2f} ({min(ready):.2f}-{max(ready):.2f})",
        f"{median(sample.ingest_cpu for sample in samples):.2f}",
        f"{median(sample.cpu for sample in samples):.2f}",
    )


if __name__ == "__main__":
    sys.exit(main())
