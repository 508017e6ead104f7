"""The matrix as a table in Markdown: a line for each step, a column for each victim."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.harness.machine import describe
from tests.faults.steps import STEPS, VICTIMS, Journey, Step
from tests.support.backends.databases import POSTGRES

ENDS = {Journey.ABORT: "aborted", Journey.EXPIRE: "expired", Journey.SWEEP: "swept"}


@dataclass
class Cell:
    """How one strike ended; ``seconds`` from it to the end of the journey, None when the proof failed."""

    seconds: float | None = None


@dataclass
class Report:
    """Every strike so far."""

    cells: dict[tuple[str, str], Cell] = field(default_factory=dict)

    @contextmanager
    def cell(self, step: Step, victim: str) -> Iterator[Cell]:
        """Note a strike; it counts as failed unless its seconds are set."""
        yield self.cells.setdefault((step.name, victim), Cell())

    def __str__(self) -> str:
        steps, struck = (set(found) for found in zip(*self.cells, strict=True))
        victims = [victim for victim in VICTIMS[POSTGRES] if victim in struck]
        head = ["step", "where", *victims]
        lines = [_row(head), _row(["---"] * len(head))]
        return "\n".join(lines + [self._line(step, victims) for step in STEPS if step.name in steps])

    def _line(self, step: Step, victims: list[str]) -> str:
        return _row([step.name, step.where, *(self._text(step, victim) for victim in victims)])

    def _text(self, step: Step, victim: str) -> str:
        cell = self.cells.get((step.name, victim))
        if not cell:
            return "not run"
        if cell.seconds is None:
            return "**FAILED**"
        return f"{ENDS.get(step.journey, 'whole')}, {cell.seconds:.1f} s"

    def publish(self) -> None:
        """Print the machine and the table, and add them to what ``FAULT_REPORT`` names: each database has its own."""
        if not self.cells:
            return
        text = f"{describe(Path.cwd())}\n\n{self}\n"
        print(f"\n{text}")
        if path := os.environ.get("FAULT_REPORT"):
            with Path(path).open("a", encoding="utf-8") as file:
                file.write(text)


def _row(texts: list[str]) -> str:
    return f"| {' | '.join(texts)} |"
