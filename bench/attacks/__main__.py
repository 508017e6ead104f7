"""Attack a CloudKeep server, and measure what an honest client beside the attacker notices. See docs/performance.md."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from bench.attacks.attack import Attack
from bench.attacks.catalogue import BY_NAME
from bench.attacks.measurement import Measurement, measure
from bench.attacks.target import SOURCES, Target
from bench.clients.payload import MIB
from bench.harness.command import Result, create_parser, integer, markdown_table, parse, report_progress, run, seconds

COLUMNS = {
    "attack": False,
    "from": False,
    "worst ms": True,
    "median ms": True,
    "CPU s": True,
    "MB": True,
    "CPU ms/MB": True,
    "MiB more": True,
    "ends": False,
    "holds": False,
}
#: Outcomes that are shown.
SHOWN = 3
NO_ATTACK = "(none)"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark; returns the exit code."""
    parser = create_parser("bench.attacks", __doc__)
    parser.add_argument("--only", nargs="+", choices=[*BY_NAME], metavar="NAME", help=f"of {', '.join(BY_NAME)}")
    parser.add_argument(
        "--from", nargs="+", choices=[*SOURCES], default=["one"], dest="sources", help="the attacker's addresses"
    )
    parser.add_argument("--seconds", type=seconds(1, 60), default=12, metavar="S", help="of each attack")
    parser.add_argument("--connections", type=integer(10, 10_000), default=1_000, metavar="N")
    parser.add_argument("--rate", type=integer(10_000, 10**9), default=2_000_000, metavar="BYTES", help="a second")
    parser.add_argument("--set", nargs="*", default=[], dest="settings", metavar="NAME=VALUE", help="of the server")
    return run(parse(parser, argv), _measure)


def _measure(options: argparse.Namespace, folder: Path) -> Result:
    attacks: list[Attack | None] = [None, *(BY_NAME[name] for name in options.only or BY_NAME)]
    runs = [(attack, source) for attack in attacks for source in options.sources]
    settings = dict(each.split("=", 1) for each in options.settings)
    measured: list[tuple[Attack | None, str, Measurement]] = []
    for number, (attack, source) in enumerate(runs):
        report_progress(f"{number + 1} of {len(runs)}: {attack.name if attack else NO_ATTACK} from {source}")
        target = Target(0, source, options.seconds, options.connections, options.rate)
        figures = measure(attack, folder / str(number), target, settings)
        measured.append((attack, source, figures))
        report_progress(f"  waited {figures.waits.worst:.0f} ms at most, {figures.growth / MIB:.0f} MiB more")
    rows = [_row(*each) for each in measured]
    return Result(f"{markdown_table(COLUMNS, rows)}\n\n{_summary(measured)}", {"attacks": [*_contents(measured)]})


def _row(attack: Attack | None, source: str, figures: Measurement) -> tuple[str, ...]:
    megabytes = figures.attack.sent / 1e6
    outcomes = sorted(figures.attack.outcomes.items(), key=lambda each: -each[1])[:SHOWN]
    broken = figures.broken_promises(attack) if attack else []
    return (
        (attack.name + (" (account)" if attack.needs_account else "")) if attack else NO_ATTACK,
        source,
        f"{figures.waits.worst:.0f}",
        f"{figures.waits.median:.1f}",
        f"{figures.cpu:.1f}",
        f"{megabytes:.1f}",
        f"{figures.cpu / megabytes * 1000:.0f}" if megabytes >= 1 else "",
        f"{figures.growth / MIB:.0f}",
        ", ".join(f"{count:,} {outcome}" for outcome, count in outcomes),
        f"no: {', '.join(broken)}" if broken else "yes" if attack else "",
    )


def _summary(measured: Sequence[tuple[Attack | None, str, Measurement]]) -> str:
    worst = max(figures.quiet.worst for _, _, figures in measured)
    failed = sum(bool(attack and figures.broken_promises(attack)) for attack, _, figures in measured)
    attacks = sum(attack is not None for attack, _, _ in measured)
    return (
        f"{failed} of {attacks} attacks broke a promise. The longest wait of the honest client before an attack, when"
        f" nothing else happened, was {worst:.0f} ms: the machine's own noise."
    )


def _contents(measured: Sequence[tuple[Attack | None, str, Measurement]]) -> Iterator[dict[str, object]]:
    for attack, source, figures in measured:
        name = attack.name if attack else None
        broken = figures.broken_promises(attack) if attack else []
        yield {"name": name, "source": source, "broken": broken, **asdict(figures)}


if __name__ == "__main__":
    sys.exit(main())
