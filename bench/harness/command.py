"""What the commands of the bench have in common: where data goes while they run, how they end, what they leave."""

import argparse
import json
import shlex
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

from bench.clients.payload import MIB
from bench.clients.wire import WireError
from bench.contenders.install import CACHE
from bench.harness.machine import describe
from bench.harness.server import ServerError
from bench.ingest.rounds import Damaged

N = TypeVar("N", int, float)


@dataclass(frozen=True)
class Outcome:
    """What a run has found: for people, in Markdown, and for programs, as JSON values."""

    text: str
    content: Mapping[str, Any]


Work = Callable[[argparse.Namespace, Path], Outcome]


def parser_of(module: str, description: str | None) -> argparse.ArgumentParser:
    """A parser with the options that every command has."""
    parser = argparse.ArgumentParser(prog=f"python -m {module}", description=description)
    parser.add_argument(
        "--folder", type=Path, default=CACHE, help="where the data goes while it runs (default: bench/.cache)"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything there as well")
    return parser


def parse(parser: argparse.ArgumentParser, given: Sequence[str] | None) -> argparse.Namespace:
    """Read the arguments, those of the command line when None are given."""
    words = sys.argv[1:] if given is None else list(given)
    options = parser.parse_args(words)
    if options.json and not options.json.parent.is_dir():
        parser.error(f"there is no folder {options.json.parent}")
    options.command = f"{parser.prog} {shlex.join(words)}".strip()
    return options


def run(options: argparse.Namespace, work: Work) -> int:
    """Do the work in a folder that is gone afterwards, print what it found, and return the exit code."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    options.folder.mkdir(parents=True, exist_ok=True)
    machine = describe(options.folder)
    try:
        with tempfile.TemporaryDirectory(prefix="run-", dir=options.folder) as folder:
            outcome = work(options, Path(folder))
    except (WireError, ServerError, Damaged, OSError) as error:
        say(f"The run has failed: {error}")
        return 1
    print(f"{options.command}\n{machine}\n\n{outcome.text}")
    if options.json:
        described = {"command": options.command, "machine": {**asdict(machine), "quiet": machine.quiet}}
        options.json.write_text(json.dumps({**described, **outcome.content}, indent=2) + "\n")
    return 0


def require_room(folder: Path, size: int) -> None:
    """Raises :class:`OSError` when the disk has no room for so many bytes."""
    if shutil.disk_usage(folder).free < size:
        raise OSError(f"there are no {size // MIB} MiB free on the disk")


def whole(low: int, high: int) -> Callable[[str], int]:
    """A whole number from ``low`` to ``high`` as an argument."""
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


def say(line: str) -> None:
    """Tell whoever watches how far the run is."""
    print(line, file=sys.stderr, flush=True)
