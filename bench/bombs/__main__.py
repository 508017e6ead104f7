"""Measure what documents cost before they run: parsing, limits, validation, analysis. See docs/performance.md."""

import argparse
import gc
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from graphql import DocumentNode, GraphQLError, GraphQLSchema, OperationDefinitionNode, parse

from bench.bombs.documents import BOMBS, USUAL
from bench.harness.command import Result, create_parser, integer, markdown_table, run
from bench.harness.command import parse as parse_arguments
from schema.build import build_schema
from schema.cost.plan import OperationPlan, plan_operation
from schema.cost.weights import Weights
from schema.cost.work_limit import OperationTooComplex
from schema.execution.document_limits import check_limits, check_source
from schema.execution.documents import MAX_TOKENS
from schema.execution.validation import validate_document

STAGES = ("parse", "limits", "validate", "price")
OBJECTS = 100


class Refused(Exception):
    """The server refuses the document at this stage."""


class DocumentAnalyzer:
    """Runs the server's stages on a document, and measures milliseconds of CPU by stage, the lowest of several runs."""

    def __init__(self, rounds: int) -> None:
        self._schema: GraphQLSchema = build_schema().as_graphql()
        self._weights = Weights.of(self._schema)
        self._rounds = rounds

    def measure(self, text: str) -> tuple[dict[str, float], str]:
        """Times of all stages, even if one refuses the document, and the outcome."""
        times: dict[str, float] = {}
        ends: list[str] = []
        if error := check_source(text):
            return times, _describe(error)
        document = self._timed("parse", times, ends, lambda: parse(text, max_tokens=MAX_TOKENS))
        if document is None:
            return times, ends[0]
        self._timed("limits", times, ends, lambda: _require_none([check_limits(document)]))
        self._timed("validate", times, ends, lambda: _require_none(validate_document(self._schema, document)))
        price = self._timed("price", times, ends, lambda: self.plan(document).price())
        return times, ends[0] if ends else f"{price} points"

    def plan(self, document: DocumentNode) -> OperationPlan:
        """The plan of the first operation."""
        operation = next(node for node in document.definitions if isinstance(node, OperationDefinitionNode))
        return plan_operation(self._weights, document, operation)

    def _timed(self, stage: str, times: dict[str, float], ends: list[str], work: Callable[[], Any]) -> Any:
        result = None
        for _ in range(self._rounds):
            gc.collect()
            start = time.process_time()
            end = None
            try:
                result = work()
            except OperationTooComplex as error:
                end = f"above the limit on {error.limit}"
            except (GraphQLError, Refused) as error:
                end = str(error)
            duration = (time.process_time() - start) * 1_000
            times[stage] = min(times.get(stage, duration), duration)
        if end:
            # A refused document is measured to the end of this stage.
            ends.append(end)
        return result


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark; returns the exit code."""
    parser = create_parser("bench.bombs", __doc__)
    parser.add_argument("--rounds", type=integer(1, 100), default=5, metavar="N", help="the least of so many counts")
    return run(parse_arguments(parser, argv), _measure)


def _measure(options: argparse.Namespace, _: Path) -> Result:
    analyzer = DocumentAnalyzer(options.rounds)
    measurements = {name: analyzer.measure(text) for name, text in (USUAL | BOMBS).items()}
    rows = [_row(name, *measurement) for name, measurement in measurements.items()]
    columns = {"ms of CPU": False, **dict.fromkeys((*STAGES, "all"), True), "outcome": False}
    microseconds = _measure_actual_cost(analyzer)
    table = markdown_table(columns, rows)
    text = f"{table}\n\nCounting the actual cost of {OBJECTS} objects with 7 fields takes {microseconds:.1f} µs."
    times = {name: {"times": times, "outcome": outcome} for name, (times, outcome) in measurements.items()}
    return Result(text, {"documents": times, "walk_microseconds": microseconds})


def _measure_actual_cost(analyzer: DocumentAnalyzer) -> float:
    """Microseconds to compute the actual cost of a list."""
    plan = analyzer.plan(parse(USUAL["a list of 100"]))
    nodes = [dict.fromkeys(("id", "name", "size", "mimeType", "sha256", "createdAt", "downloadUrl"), "x")] * OBJECTS
    begin = time.process_time()
    for _ in range(10_000):
        plan.actual({"files": {"nodes": nodes}})
    return (time.process_time() - begin) * 100


def _require_none(errors: Sequence[GraphQLError | None]) -> None:
    for error in errors:
        if error:
            raise Refused(_describe(error))


def _describe(error: GraphQLError) -> str:
    limit = (error.extensions or {}).get("limit")
    return f"above the limit on {limit}" if limit else "invalid"


def _row(name: str, times: dict[str, float], outcome: str) -> tuple[str, ...]:
    cells = [f"{times[stage]:.1f}" if stage in times else "" for stage in STAGES]
    return (name, *cells, f"{sum(times.values()):.1f}", outcome)


if __name__ == "__main__":
    sys.exit(main())
