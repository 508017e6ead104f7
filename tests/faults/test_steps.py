"""Whatever is killed at whichever step of the flow, nothing that was acknowledged is lost and nothing is left over.

``make test`` strikes at a few steps, ``make faults`` at every one of them with every victim.
"""

import asyncio
import importlib
import operator
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.conftest import sign_up
from tests.faults.arming import Arming, functions
from tests.faults.journeys import WALKS, Stage
from tests.faults.proofs import acknowledged_is_kept, all_is_well
from tests.faults.report import Report
from tests.faults.steps import STEPS, VICTIMS, Journey, Step, step
from tests.support.process import ServeProcess, serving
from tests.support.server import Api, http_client

ALL = os.environ.get("FAULT_STEPS") == "all"
#: The worst moments, in one server's life: each is another kind of work half done.
FEW = (
    ("init: bytes reserved, no row", "api"),
    ("chunk: a part of the bytes written", "database"),
    ("receipt: counted, not committed", "api"),
    ("last receipt: committed, no hint", "valkey"),
    ("publish: durable, no rows", "worker"),
    ("compression: stored, no rows", "worker"),
)
#: A job may be struck more often here than elsewhere in years; what is lost is taken up soon.
SETTINGS = {"CLOUDKEEP_JOB_ATTEMPTS": "64", "CLOUDKEEP_JOB_LEASE": "4", "CLOUDKEEP_ACCESS_TOKEN_TTL": "86400"}


@contextmanager
def armed_server(tmp_path: Path) -> Iterator[tuple[ServeProcess, Arming]]:
    arming = Arming(tmp_path / "faults")
    with serving(tmp_path / "data", None, **SETTINGS, **arming.environment) as process:
        yield process, arming


async def strike(process: ServeProcess, arming: Arming, person: Api, where: Step, victim: str, root: Path) -> float:
    """One cell of the matrix. Returns how many seconds after the strike the journey was at its end."""
    stage = Stage(process, person, root, f"{where.name} {victim}")
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
async def test_nothing_is_lost_at_the_worst_steps(tmp_path: Path) -> None:
    with armed_server(tmp_path) as (process, arming):
        async with http_client(process.url) as http:
            person = await sign_up(http, process)
            for name, victim in FEW:
                await strike(process, arming, person, step(name), victim, tmp_path / "data")


@pytest.mark.parametrize("where", STEPS if ALL else (), ids=lambda where: where.name)
async def test_nothing_is_lost_at_any_step(where: Step, tmp_path: Path, report: Report) -> None:
    with armed_server(tmp_path) as (process, arming):
        async with http_client(process.url) as http:
            person = await sign_up(http, process)
            for victim in VICTIMS:
                with report.cell(where, victim) as cell:
                    cell.seconds = await strike(process, arming, person, where, victim, tmp_path / "data")
