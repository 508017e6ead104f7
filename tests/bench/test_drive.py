"""The benchmark of the drive, with a minimum of items."""

from pathlib import Path

from graphql import parse, validate

from bench.drive import copies, deletions, listing, moving
from bench.drive.databases import open_empty
from bench.drive.graphql import DOCUMENT
from schema.build import build_schema
from tests.bench.benchmark import run_benchmark


def test_searches_are_measured_in_accounts_of_each_size(tmp_path: Path) -> None:
    arguments = ("--only", "search", "--database", "sqlite", "--items", "10000", "--runs", "2")
    timings = run_benchmark("bench.drive", tmp_path, *arguments)["timings"]
    assert {timing["operation"].partition(":")[0] for timing in timings} == {
        "large account",
        "middle account",
        "small account",
    }
    for timing in timings:
        assert len(timing["milliseconds"]) == 2
        assert min(timing["milliseconds"]) > 0


async def test_every_part_within_this_process_is_measured(tmp_path: Path) -> None:
    parts = (listing, moving, copies, deletions)
    async with open_empty("sqlite", tmp_path) as database:
        timings = [timing for part in parts for timing in await part.measure(database, 20, 2)]
    assert {timing.operation.split()[0] for timing in timings} == {"page", "page,", "move", "copy", "delete", "receipt"}
    for timing in timings:
        assert min(timing.milliseconds) > 0


def test_the_document_for_pages_is_valid() -> None:
    assert validate(build_schema()._schema, parse(DOCUMENT)) == []
