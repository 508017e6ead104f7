"""The medians of a run, as a table in Markdown and as JSON values."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from bench.contenders.base import Contender
from bench.contenders.limit import Limit
from bench.harness.command import markdown_table
from bench.ingest.rounds import Sample

#: The columns: head, and whether they contain numbers.
COLUMNS = {
    "server": False,
    "wall s": True,
    "of limit": True,
    "MiB/s (all)": True,
    "ingest CPU-s per GiB": True,
    "of limit ": True,
    "CPU-s per GiB until READY": True,
    "peak MiB": True,
    "READY after s": True,
    "verifies": False,
    "result": False,
}
NUMBERS = sum(COLUMNS.values())
FIELDS = ("wall_seconds", "mib_per_second", "ingest_cpu", "cpu", "peak_mib", "ready_seconds")


@dataclass(frozen=True)
class Report:
    """A whole run. ``versions`` and ``missing`` by contender: what was measured, and why something was not."""

    options: Mapping[str, int]
    contenders: Sequence[Contender]
    versions: Mapping[str, Mapping[str, str]]
    missing: Mapping[str, str]
    samples: Sequence[Sample]

    def medians(self, name: str) -> dict[str, float]:
        """Of every figure of a contender that was measured, and of its ratios to the limit in the same round."""
        mine = self._of(name)
        figures = {field: median(getattr(sample, field) for sample in mine) for field in FIELDS}
        for field in ("wall_seconds", "ingest_cpu"):
            if ratios := self._ratios(mine, field):
                figures[f"{field}_of_limit"] = median(ratios)
        return {field: round(figure, 3) for field, figure in figures.items()}

    def cpu_by_process(self, name: str) -> dict[str, float]:
        """Medians of the CPU seconds per GiB until READY, by role."""
        mine = [sample.cpu_by_process for sample in self._of(name)]
        roles = dict.fromkeys(role for sample in mine for role in sample)
        return {role: round(median(sample.get(role, 0.0) for sample in mine), 3) for role in roles}

    def text(self) -> str:
        """A table with one row for every contender, and notes."""
        table = markdown_table(COLUMNS, map(self._row, self.contenders))
        return "\n".join([table, "", *self._processes(), *self._packages()])

    def content(self) -> dict[str, Any]:
        """Everything, as JSON values."""
        measured = [contender.name for contender in self.contenders if contender.name not in self.missing]
        return {
            "options": self.options,
            "servers": {c.name: {"verifies": c.verifies, "result": c.result} for c in self.contenders},
            "versions": self.versions,
            "missing": self.missing,
            "medians": {name: {**self.medians(name), "by_process": self.cpu_by_process(name)} for name in measured},
            "samples": [asdict(sample) for sample in self.samples],
        }

    def _of(self, name: str) -> list[Sample]:
        return [sample for sample in self.samples if sample.server == name]

    def _ratios(self, mine: Sequence[Sample], field: str) -> list[float]:
        limit = {sample.round: float(getattr(sample, field)) for sample in self._of(Limit.name)}
        return [getattr(sample, field) / limit[sample.round] for sample in mine if limit.get(sample.round)]

    def _row(self, contender: Contender) -> tuple[str, ...]:
        if contender.name in self.missing:
            return (contender.name, *["missing"] * NUMBERS, "", "")
        figures = self.medians(contender.name)
        wall, rate, ingest, cpu, peak, ready = (figures[field] for field in FIELDS)
        rates = [sample.mib_per_second for sample in self._of(contender.name)]
        return (
            contender.name,
            f"{wall:.2f}",
            _times(figures.get("wall_seconds_of_limit")),
            f"{rate:.0f} ({min(rates):.0f}-{max(rates):.0f})",
            f"{ingest:.2f}",
            _times(figures.get("ingest_cpu_of_limit")),
            f"{cpu:.2f}",
            f"{peak:.0f}",
            f"{ready:.2f}",
            contender.verifies,
            contender.result,
        )

    def _processes(self) -> list[str]:
        """A line for each server of several processes."""
        roles_by_name = {name: self.cpu_by_process(name) for name in self.versions}
        return [
            f"{name}, CPU-s per GiB: " + ", ".join(f"{role} {seconds:.2f}" for role, seconds in roles.items())
            for name, roles in roles_by_name.items()
            if len(roles) > 1
        ]

    def _packages(self) -> list[str]:
        lines = [f"{name}: {', '.join(map(' '.join, self.versions[name].items()))}" for name in self.versions]
        return [*lines, *(f"{name}: missing, {why}" for name, why in self.missing.items())]


def _times(ratio: float | None) -> str:
    return "" if ratio is None else f"{ratio:.2f}"
