"""Whenever the API process is killed during a mutation of an account, the account is as before or as afterwards.

It is killed before and after every statement that the mutation sends to its database. ``make test`` strikes at a few,
``make faults`` at every one of them.
"""

import os
from collections.abc import AsyncIterator, Iterator
from itertools import count

import httpx
import pytest
import pytest_asyncio

from services.maintenance.doctor import Doctor
from storage.blobs import LocalBlobStore
from storage.jobs.models import Job, JobState
from tests.faults.accounts import credentials, registering, sessions
from tests.faults.accounts.facts import Facts, facts, note
from tests.faults.accounts.mutation import Mutation, member
from tests.faults.accounts.people import AccountServer, Person
from tests.faults.arming import CONSTANTS, Arming
from tests.faults.steps import Step, statement, step
from tests.support.backends.databases import Databases, empty_one
from tests.support.backends.smtp_sink import smtp_sink
from tests.support.process import serving
from tests.support.server import Json, http_client
from tests.support.shared_server import PLENTY
from tests.support.waiting import eventually

pytestmark = pytest.mark.asyncio(loop_scope="module")

ALL = os.environ.get("FAULT_STEPS") == "all"
MUTATIONS = (*registering.MUTATIONS, *sessions.MUTATIONS, *credentials.MUTATIONS)
MOMENTS = ("before", "after")
#: Moments in the middle of a change, and one at which the client misses its answer.
FEW = (
    ("verifyOtp with an invitation", statement(12, "after")),
    ("refreshSession", step("request: done, no answer")),
    ("resetPassword", statement(12, "after")),
    ("confirmEmailChange", statement(14, "after")),
)
#: Everybody has one address here, and a person's address gets more mails than elsewhere.
SETTINGS = {
    **{f"CLOUDKEEP_{name.upper()}": value for name, value in PLENTY.items()},
    "CLOUDKEEP_BUDGET_TIMEOUT": "60",
    "CLOUDKEEP_REGISTRATIONS": "100000/100000",
    "CLOUDKEEP_MAILS_PER_ADDRESS": "100",
}
#: Mails that were sent stay in the outbox for a minute, as with users: they are compared after each strike.
UNHURRIED = {module: names for module, names in CONSTANTS.items() if module != "workers.maintenance.housekeeping"}
#: A process forgets within this time what it knew about credentials that another one has revoked.
FORGOTTEN_SECONDS = 5.0


@pytest.fixture(scope="module")
def database(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A database for the server of this module."""
    with empty_one(databases, tmp_path_factory.mktemp("database")) as url:
        yield url


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(
    databases: Databases, database: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[AccountServer]:
    """A server that strikes at the armed step, with an administrator. This process is connected to its database."""
    folder = tmp_path_factory.mktemp("server")
    arming = Arming(folder / "faults", databases.postmaster, UNHURRIED)
    async with smtp_sink() as sink:
        mail = f"smtp://127.0.0.1:{sink.port}?tls=none"
        given = {**SETTINGS, **arming.environment, "CLOUDKEEP_DATABASE_URL": database, "CLOUDKEEP_MAIL_URL": mail}
        with serving(folder / "data", None, **given) as process:
            async with http_client(process.url, timeout=60) as http:
                running = AccountServer(process, arming, http, sink, folder / "data", database)
                async with running.database():
                    await member(running)
                    yield running


async def strike(server: AccountServer, mutation: Mutation, where: Step) -> bool:
    """Run a mutation with a kill at this step. Returns whether it got there."""
    person = await mutation.prepare(server)
    await note(person)
    before = await facts(person)
    struck = await struck_while_running(server, mutation, person, where)
    allowed = {"before": before, "after": {**before, **mutation.effect}}
    allowed |= {f"between {number}": {**before, **state} for number, state in enumerate(mutation.between)}
    state = await settled(person, allowed)
    assert struck or state == "after"
    await repeat(mutation, person, unchanged=state == "before", after=allowed["after"])
    await mutation.finish(person)
    return struck


async def struck_while_running(server: AccountServer, mutation: Mutation, person: Person, where: Step) -> bool:
    """Run a mutation while the step is armed. Returns whether the process was killed; it is back then."""

    async def has_struck() -> bool:
        return server.arming.has_struck

    server.arming.arm(where, "api")
    payload: Json | None = None
    try:
        payload = await mutation.run(person)
        if where.name in mutation.steps:
            # Every request gets there, but perhaps after its answer.
            await eventually(has_struck)
    except httpx.TransportError:
        await server.wait_until_ready()
    finally:
        server.arming.disarm()
    struck = server.arming.struck_at is not None
    if payload is None:
        assert struck
    elif struck:
        # After the answer.
        await server.wait_until_ready()
    else:
        assert payload["userErrors"] == []
    return struck


async def settled(person: Person, allowed: dict[str, Facts]) -> str:
    """The name of the state that the account is in, as soon as every process has forgotten revoked credentials."""
    found: Facts = {}

    async def look() -> str | None:
        found.update(await facts(person))
        return next((name for name, state in allowed.items() if found == state), None)

    try:
        return await eventually(look, FORGOTTEN_SECONDS)
    except TimeoutError:
        raise AssertionError(f"neither before nor after: {differences(found, allowed['before'])}") from None


def differences(found: Facts, before: Facts) -> Facts:
    """What is not as before."""
    return {name: (before.get(name), value) for name, value in found.items() if before.get(name) != value}


async def repeat(mutation: Mutation, person: Person, *, unchanged: bool, after: Facts) -> None:
    """Repeat a mutation. If nothing has changed so far, it must succeed."""
    payload = await mutation.run(person)
    found = {error["code"] for error in payload["userErrors"]}
    assert found == set() or (not unchanged and found <= mutation.refusals), payload
    if unchanged:
        assert await settled(person, {"before": after, "after": after})


async def nothing_is_wrong(server: AccountServer) -> None:
    """Every mail of the outbox is sent, and the doctor finds nothing."""

    async def at_rest() -> bool:
        return not await Job.filter(state__in=[JobState.RUNNING, JobState.QUEUED]).exists()

    await eventually(at_rest)
    store = LocalBlobStore(server.root / "blobs")
    try:
        assert [f"{found.code} {found.subject} {found.text}" async for found in Doctor(store).examine()] == []
    finally:
        await store.close()


@pytest.mark.skipif(ALL, reason="every step is struck")
async def test_a_kill_in_the_middle_of_a_change_leaves_an_account_as_before_or_as_afterwards(
    server: AccountServer,
) -> None:
    mutations = {mutation.name: mutation for mutation in MUTATIONS}
    for name, where in FEW:
        assert await strike(server, mutations[name], where), f"{name} does not get to {where.name}"
    await nothing_is_wrong(server)


@pytest.mark.parametrize("mutation", MUTATIONS if ALL else (), ids=lambda mutation: mutation.name)
async def test_a_kill_at_any_step_leaves_an_account_as_before_or_as_afterwards(
    server: AccountServer, mutation: Mutation
) -> None:
    for name in mutation.steps:
        assert await strike(server, mutation, step(name)), name
    for moment in MOMENTS:
        numbers = count(1)
        while await strike(server, mutation, statement(next(numbers), moment)):
            pass
        print(f"\n{mutation.name}: {next(numbers) - 2} statements, killed {moment} each")
    await nothing_is_wrong(server)
