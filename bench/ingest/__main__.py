"""Measure uploads to CloudKeep and other servers, on this machine, in alternating rounds. See docs/performance.md."""

import argparse
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from bench.clients.payload import MIB, make_payload
from bench.contenders.base import Contender, NotAvailable
from bench.contenders.cloudkeep import NO_THREADS, CloudKeep
from bench.contenders.limit import Limit
from bench.contenders.starlette_form import StarletteForm
from bench.contenders.tus import TusNode, TusPy
from bench.harness.command import Result, create_parser, integer, parse, report_progress, require_free_space, run
from bench.ingest.report import Report
from bench.ingest.rounds import COPIES, Sample, run_rounds

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
#: Other configurations of CloudKeep are measured only on request.
DEFAULT = [name for name in CONTENDERS if not name.startswith("cloudkeep-")]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark; returns the exit code."""
    parser = create_parser("bench.ingest", __doc__)
    parser.add_argument("--size-mib", type=integer(1, 8192), default=1024, metavar="MIB")
    parser.add_argument("--chunk-mib", type=integer(1, 64), default=8, metavar="MIB")
    parser.add_argument("--rounds", type=integer(1, 100), default=4, metavar="N")
    parser.add_argument("--only", nargs="+", choices=CONTENDERS, default=DEFAULT, help="some of the servers")
    return run(parse(parser, argv), _measure)


def _measure(options: argparse.Namespace, folder: Path) -> Result:
    require_free_space(folder, options.size_mib * MIB * (COPIES + 1))
    contenders = [CONTENDERS[name]() for name in options.only]
    versions, missing = _prepare(contenders)
    ready = [contender for contender in contenders if contender.name in versions]
    sizes = {name: getattr(options, name) for name in ("size_mib", "chunk_mib", "rounds")}
    samples = _samples(options, ready, folder) if ready else []
    report = Report(sizes, contenders, versions, missing, samples)
    return Result(report.text(), report.content())


def _samples(options: argparse.Namespace, contenders: Sequence[Contender], folder: Path) -> list[Sample]:
    chunk = options.chunk_mib * MIB
    payloads = (
        make_payload(folder / "payload", options.size_mib * MIB, chunk),
        make_payload(folder / "warm-up", min(4 * chunk, options.size_mib * MIB), chunk),
    )
    return list(run_rounds(contenders, options.rounds, payloads, folder, report_progress))


def _prepare(contenders: Sequence[Contender]) -> tuple[dict[str, dict[str, str]], dict[str, str]]:
    """The versions of those that can be measured, and why the others cannot."""
    versions, missing = {}, {}
    for contender in contenders:
        try:
            versions[contender.name] = contender.prepare()
        except NotAvailable as reason:
            missing[contender.name] = str(reason)
            report_progress(f"{contender.name} is missing: {reason}")
    return versions, missing


if __name__ == "__main__":
    sys.exit(main())
