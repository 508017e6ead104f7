"""Measure how files come in: our server and others, on this machine, in alternating rounds. See docs/performance.md."""

import argparse
import shlex
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from bench.cloudkeep_server import NO_THREADS, CloudKeep
from bench.contender import Contender, Missing
from bench.form import StarletteForm
from bench.install import CACHE
from bench.limit import Limit
from bench.machine import describe
from bench.payload import MIB, make_payload
from bench.report import Report
from bench.rounds import COPIES, Damaged, Sample, rounds
from bench.server import ServerError
from bench.tus import TusNode, TusPy
from bench.wire import WireError

CONTENDERS: dict[str, Callable[[], Contender]] = {
    "limit": Limit,
    "cloudkeep": CloudKeep,
    "cloudkeep-form": partial(CloudKeep, "CloudKeep, multipart", form=True),
    "cloudkeep-sha256": partial(CloudKeep, "CloudKeep, SHA-256 declared", declares=True),
    "cloudkeep-asgi": partial(CloudKeep, "CloudKeep, by the event loop", NO_THREADS),
    "cloudkeep-asgi-form": partial(CloudKeep, "CloudKeep, multipart by the event loop", NO_THREADS, form=True),
    "form": StarletteForm,
    "tuspyserver": TusPy,
    "tus-node": TusNode,
}
#: The ways into CloudKeep that are measured when they are asked for.
WAYS = {name for name in CONTENDERS if name.startswith("cloudkeep-")}
DEFAULT = [name for name in CONTENDERS if name not in WAYS]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the arguments ask for; returns the exit code."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    options = _options(given)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    options.folder.mkdir(parents=True, exist_ok=True)
    try:
        with tempfile.TemporaryDirectory(prefix="run-", dir=options.folder) as folder:
            report = _run(options, Path(folder), f"python -m bench.ingest {shlex.join(given)}".strip())
    except (WireError, ServerError, Damaged, OSError) as error:
        _say(f"The run has failed: {error}")
        return 1
    print(report.table())
    if options.json:
        report.write(options.json)
    return 0


def _options(given: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.ingest", description=__doc__)
    parser.add_argument("--size-mib", type=int, default=1024, choices=range(1, 8193), metavar="MIB")
    parser.add_argument("--chunk-mib", type=int, default=8, choices=range(1, 65), metavar="MIB")
    parser.add_argument("--rounds", type=int, default=4, choices=range(1, 101), metavar="N")
    parser.add_argument("--only", nargs="+", choices=CONTENDERS, default=DEFAULT, help="some of the servers")
    parser.add_argument(
        "--folder", type=Path, default=CACHE, help="where the data goes while it runs (default: bench/.cache)"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything there as well")
    options = parser.parse_args(given)
    if options.json and not options.json.parent.is_dir():
        parser.error(f"there is no folder {options.json.parent}")
    return options


def _run(options: argparse.Namespace, folder: Path, command: str) -> Report:
    if shutil.disk_usage(folder).free < options.size_mib * MIB * COPIES:
        raise OSError("there is not enough room on the disk")
    machine = describe(folder)
    contenders = [CONTENDERS[name]() for name in options.only]
    versions, missing = _prepare(contenders)
    chunk = options.chunk_mib * MIB
    payloads = (
        make_payload(folder / "payload", options.size_mib * MIB, chunk),
        make_payload(folder / "warm-up", min(4 * chunk, options.size_mib * MIB), chunk),
    )
    ready = [contender for contender in contenders if contender.name in versions]
    samples: list[Sample] = list(rounds(ready, options.rounds, payloads, folder, _say)) if ready else []
    sizes = {name: getattr(options, name) for name in ("size_mib", "chunk_mib", "rounds")}
    return Report(command, sizes, machine, contenders, versions, missing, samples)


def _prepare(contenders: Sequence[Contender]) -> tuple[dict[str, dict[str, str]], dict[str, str]]:
    """The versions of those that can be measured, and why the others cannot."""
    versions, missing = {}, {}
    for contender in contenders:
        try:
            versions[contender.name] = contender.prepare()
        except Missing as reason:
            missing[contender.name] = str(reason)
            _say(f"{contender.name} is missing: {reason}")
    return versions, missing


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
