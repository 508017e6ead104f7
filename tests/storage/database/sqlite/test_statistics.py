"""Plans of SQLite after the operator has run ANALYZE."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from storage.database.connection import migrate
from storage.drive.tree.chains import CHAINS
from storage.drive.tree.visible import VISIBLE

WALKS = {
    "chains": CHAINS.format("?"),
    "visible": VISIBLE.format(marks="?", conditions=""),
}


@pytest.fixture
async def analyzed(tmp_path: Path) -> Path:
    """A database with the statistics of 220,000 items."""
    path = tmp_path / "cloudkeep.sqlite3"
    await migrate(f"sqlite://{path}")
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("ANALYZE")
        connection.execute("DELETE FROM sqlite_stat1")
        connection.execute("INSERT INTO sqlite_stat1 VALUES ('item', 'sqlite_autoindex_item_1', '220000 1')")
    return path


@pytest.mark.parametrize("walk", WALKS)
def test_a_walk_to_the_root_does_not_read_the_whole_table(analyzed: Path, walk: str) -> None:
    with closing(sqlite3.connect(analyzed)) as connection:
        statement = WALKS[walk]
        plan = connection.execute(f"EXPLAIN QUERY PLAN {statement}", ["x"] * statement.count("?"))
        steps = [step for _, _, _, step in plan]
    assert not [step for step in steps if "BLOOM" in step or step.startswith("SCAN item")], steps
