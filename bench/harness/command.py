"""The command line of the benchmarks: common options, a folder for data, and the output of results."""

import argparse
import json
import os
import shlex
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

from bench.harness.machine import describe

ROOT = Path(__file__).resolve().parents[2]
BENCH = ROOT / "bench"
CACHE = Path(os.environ.get("BENCH_CACHE", BENCH / ".cache"))

N = TypeVar("N", int, float)


class BenchmarkFailed(Exception):
    """Base class of the errors that end a benchmark."""


@dataclass(frozen=True)
class Result:
    """The result of a run: Markdown for people, and JSON values for programs."""

    text: str
    content: Mapping[str, Any]


Work = Callable[[argparse.Namespace, Path], Result]


def create_parser(module: str, description: str | None) -> argparse.ArgumentParser:
    """A parser with the options that every command has."""
    parser = argparse.ArgumentParser(prog=f"python -m {module}", description=description)
    parser.add_argument(
        "--folder", type=Path, default=CACHE, help="where the data goes while it runs (default: bench/.cache)"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything there as well")
    return parser


def parse(parser: argparse.ArgumentParser, argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the arguments, those of the command line when None are given."""
    words = sys.argv[1:] if argv is None else list(argv)
    options = parser.parse_args(words)
    if options.json and not options.json.parent.is_dir():
        parser.error(f"there is no folder {options.json.parent}")
    options.command = f"{parser.prog} {shlex.join(words)}".strip()
    return options


def run(options: argparse.Namespace, work: Work) -> int:
    """Run the benchmark in a temporary folder, print its result, and return the exit code."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    options.folder.mkdir(parents=True, exist_ok=True)
    machine = describe(options.folder)
    try:
        with tempfile.TemporaryDirectory(prefix="run-", dir=options.folder) as folder:
            outcome = work(options, Path(folder))
    except (BenchmarkFailed, OSError) as error:
        report_progress(f"The run has failed: {error}")
        return 1
    print(f"{options.command}\n{machine}\n\n{outcome.text}")
    if options.json:
        described = {"command": options.command, "machine": {**asdict(machine), "quiet": machine.quiet}}
        options.json.write_text(json.dumps({**described, **outcome.content}, indent=2) + "\n")
    return 0


def require_free_space(folder: Path, size: int) -> None:
    """Raises :class:`OSError` when the disk has no room for so many bytes."""
    if shutil.disk_usage(folder).free < size:
        raise OSError(f"there are no {size // 2**20} MiB free on the disk")


def integer(low: int, high: int) -> Callable[[str], int]:
    """An integer from ``low`` to ``high`` as an argument."""
    return _between(int, low, high)


def seconds(low: float, high: float) -> Callable[[str], float]:
    """Seconds, from ``low`` to ``high``, as an argument."""
    return _between(float, low, high)


def _between(kind: Callable[[str], N], low: N, high: N) -> Callable[[str], N]:
    def number(text: str) -> N:
        value = kind(text)
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"must be between {low:g} and {high:g}")
        return value

    return number


def report_progress(line: str) -> None:
    """Print a line to standard error: standard output has only the result."""
    print(line, file=sys.stderr, flush=True)


def markdown_table(columns: Mapping[str, bool], rows: Iterable[Sequence[str]]) -> str:
    """A table; ``columns`` maps each head to whether its column has numbers."""
    rule = ["--:" if is_number else "---" for is_number in columns.values()]
    return "\n".join("| " + " | ".join(row) + " |" for row in [[head.strip() for head in columns], rule, *rows])
