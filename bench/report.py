"""The medians of a run, as a table in Markdown and as JSON."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from bench.contender import Contender
from bench.machine import Machine
from bench.rounds import Sample

HEAD = ("server", "wall s", "MiB/s (all)", "server CPU-s per GiB", "peak MiB", "READY after s", "verifies", "result")
FIELDS = ("wall_seconds", "mib_per_second", "cpu_seconds_per_gib", "peak_mib", "ready_seconds")


@dataclass(frozen=True)
class Report:
    """A whole run. ``versions`` and ``missing`` by contender: what was measured, and why something was not."""

    command: str
    options: Mapping[str, int]
    machine: Machine
    contenders: Sequence[Contender]
    versions: Mapping[str, Mapping[str, str]]
    missing: Mapping[str, str]
    samples: Sequence[Sample]

    def medians(self, name: str) -> dict[str, float]:
        """Of every figure of a contender that was measured."""
        mine = [asdict(sample) for sample in self.samples if sample.server == name]
        return {field: round(median(sample[field] for sample in mine), 3) for field in FIELDS}

    def table(self) -> str:
        """One row for every contender, under the command and the machine."""
        rows = [HEAD, ("---", *["--:"] * len(FIELDS), "---", "---"), *map(self._row, self.contenders)]
        lines = ["| " + " | ".join(row) + " |" for row in rows]
        return "\n".join([f"{self.command}\n{self.machine}", "", *lines, "", *self._packages()])

    def write(self, path: Path) -> None:
        """Everything, as JSON."""
        measured = [contender for contender in self.contenders if contender.name not in self.missing]
        content = {
            "command": self.command,
            "options": self.options,
            "machine": {**asdict(self.machine), "quiet": self.machine.quiet},
            "servers": {c.name: {"verifies": c.verifies, "result": c.result} for c in self.contenders},
            "versions": self.versions,
            "missing": self.missing,
            "medians": {contender.name: self.medians(contender.name) for contender in measured},
            "samples": [asdict(sample) for sample in self.samples],
        }
        path.write_text(json.dumps(content, indent=2) + "\n")

    def _row(self, contender: Contender) -> tuple[str, ...]:
        if contender.name in self.missing:
            return (contender.name, *["missing"] * len(FIELDS), "", "")
        figures = self.medians(contender.name)
        wall, rate, cpu, peak, ready = (figures[field] for field in FIELDS)
        rates = [sample.mib_per_second for sample in self.samples if sample.server == contender.name]
        spread = f"{rate:.0f} ({min(rates):.0f}-{max(rates):.0f})"
        shown = (f"{wall:.2f}", spread, f"{cpu:.2f}", f"{peak:.0f}", f"{ready:.2f}")
        return (contender.name, *shown, contender.verifies, contender.result)

    def _packages(self) -> list[str]:
        known = [f"{name}: {', '.join(map(' '.join, self.versions[name].items()))}" for name in self.versions]
        return [*known, *(f"{name}: missing, {why}" for name, why in self.missing.items())]
