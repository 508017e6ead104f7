"""Whatever is killed at any step, nothing that was acknowledged is lost and nothing is left over.

``make test`` strikes at a few steps, ``make faults`` at every one of them with every victim.
"""

import asyncio
import importlib
import operator
import os
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.conftest import sign_up
from tests.faults.arming import Arming, functions
from tests.faults.journeys import WALKS, Stage
from tests.faults.proofs import acknowledged_is_kept, all_is_well
from tests.faults.report import Report
from tests.faults.steps import STEPS, VICTIMS, Journey, Step, step
from tests.support.backends.databases import POSTGRES, SQLITE, Databases
from tests.support.process import ServeProcess, serving
from tests.support.server import Api, http_client

ALL = os.environ.get("FAULT_STEPS") == "all"
#: The most dangerous steps: each leaves another kind of work half done.
WORST = (
    ("init: bytes reserved, no row", "api"),
    ("chunk: a part of the bytes written", "database"),
    ("last receipt: committed, no hint", "valkey"),
    ("publish: renamed, no rows", "worker"),
    ("compression: stored, no rows", "worker"),
    ("collection: bytes deleted, row there", "worker"),
)
FEW = {
    SQLITE: (*WORST, ("receipt: counted, not committed", "api")),
    POSTGRES: (
        *WORST,
        ("receipt: not sent to the database", "database"),
        ("last receipt: job queued, not committed", "database"),
        ("publish: job ended, not committed", "postgres"),
    ),
}
#: Each runs with the databases that have it.
EVERY = [
    pytest.param(each, id=each.name, marks=[getattr(pytest.mark, each.engine)] if each.engine else ()) for each in STEPS
]
#: A job may be struck more often here than elsewhere in years; what is lost is taken up soon.
SETTINGS = {"CLOUDKEEP_JOB_ATTEMPTS": "64", "CLOUDKEEP_JOB_LEASE": "4", "CLOUDKEEP_ACCESS_TOKEN_TTL": "86400"}


@dataclass(frozen=True)
class Armed:
    """A server that strikes at the armed step, and a user who is signed in to it."""

    process: ServeProcess
    arming: Arming
    person: Api
    root: Path
    database_url: str


@pytest.fixture
async def armed(tmp_path: Path, databases: Databases, empty_database: str) -> AsyncIterator[Armed]:
    """A server for one test."""
    arming, root = Arming(tmp_path / "faults", databases.postmaster), tmp_path / "data"
    given = {**SETTINGS, **arming.environment, "CLOUDKEEP_DATABASE_URL": empty_database}
    with serving(root, None, **given) as process:
        async with http_client(process.url) as http:
            yield Armed(process, arming, await sign_up(http, process), root, empty_database)


async def strike(armed: Armed, where: Step, victim: str) -> float:
    """Run one cell of the matrix. Returns the seconds from the strike to the end of the journey."""
    arming = armed.arming
    stage = Stage(armed.process, armed.person, armed.root, armed.database_url, f"{where.name} {victim}")
    walk, end = WALKS[where.journey]
    sent = stage.sent(video=where.journey is Journey.COMPRESS)
    try:
        upload, _ = await asyncio.gather(
            walk(stage, sent, lambda: arming.arm(where, victim)),
            acknowledged_is_kept(stage, sent, arming),
        )
    finally:
        arming.disarm()
    ended = time.time()
    assert upload["status"] == end
    await all_is_well(stage, sent, where.journey, upload)
    assert arming.struck_at
    return ended - arming.struck_at


@pytest.mark.parametrize("found", sorted(functions().items()), ids=operator.itemgetter(0))
def test_every_step_is_in_the_code(found: tuple[str, list[str]]) -> None:
    module, names = found
    for name in names:
        operator.attrgetter(name)(importlib.import_module(module))


@pytest.mark.skipif(ALL, reason="the whole matrix is run")
async def test_nothing_is_lost_at_the_worst_steps(armed: Armed, databases: Databases) -> None:
    for name, victim in FEW[databases.engine]:
        await strike(armed, step(name), victim)


@pytest.mark.parametrize("where", EVERY if ALL else ())
async def test_nothing_is_lost_at_any_step(where: Step, armed: Armed, databases: Databases, report: Report) -> None:
    for victim in VICTIMS[databases.engine]:
        with report.cell(where, victim) as cell:
            cell.seconds = await strike(armed, where, victim)
