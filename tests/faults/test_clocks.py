"""A server whose clocks are wrong, or jump: nothing expires early, nothing runs twice, and what is over still ends.

``make test`` runs a host that is ahead, ``make faults`` also one that is behind, and jumps in both directions.
"""

import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from storage.jobs.models import Job, JobState
from tests.faults.arming import Arming
from tests.faults.journeys import Stage, expire
from tests.faults.proofs import nothing_is_left
from tests.support.backends.databases import Databases
from tests.support.process import serving
from tests.support.server import PASSWORD, Api, http_client
from tests.support.uploads import Sent, assert_whole, begin, fill, padded_clip, persistent_data, to_the_end
from tests.support.waiting import eventually

#: Longer than an upload waits for its next chunk.
DAYS = timedelta(days=8)
LONG = pytest.mark.skipif("FAULT_KILLS" not in os.environ, reason="takes a minute: make faults runs it")
BOTH_WAYS = pytest.mark.parametrize("off", [DAYS, pytest.param(-DAYS, marks=LONG)], ids=["ahead", "behind"])
#: Shorter than the steps that a test makes, so that a lease is renewed, and could be lost.
SETTINGS = {"CLOUDKEEP_JOB_LEASE": "4"}
CHUNK = 256 * 1024
REFRESH = """mutation ($token: String!) { refreshSession(input: {refreshToken: $token}) {
    session { accessToken refreshToken } userErrors { code message } } }"""


@dataclass
class Person:
    """A user with a session."""

    api: Api
    refresh_token: str

    async def refresh(self) -> None:
        """Get new tokens, as a client does whose access token is not accepted."""
        payload = await persistent_data(self.api, REFRESH, token=self.refresh_token)
        assert payload["userErrors"] == []
        self.api.http.headers["Authorization"] = f"Bearer {payload['session']['accessToken']}"
        self.refresh_token = payload["session"]["refreshToken"]


@dataclass(frozen=True)
class Server:
    """A server whose clocks a test can set, and a user."""

    stage: Stage
    person: Person
    clocks: Callable[..., None]

    async def expires(self, name: str) -> None:
        """An upload whose time is over ends, so the sweeper has run since."""
        sent = Sent(os.urandom(2 * CHUNK), name, chunk_size=CHUNK)
        assert (await expire(self.stage, sent, lambda: None))["status"] == "EXPIRED"

    async def logs(self, text: str, times: int) -> None:
        """Wait until the processes have logged this."""

        async def logged() -> bool:
            return self.stage.process.output().count(text) >= times

        await eventually(logged)


@pytest.fixture
def start(
    tmp_path: Path, databases: Databases, empty_database: str
) -> Callable[..., AbstractAsyncContextManager[Server]]:
    """Start the server, with clocks that are wrong by so much."""
    arming, root = Arming(tmp_path / "faults", databases.postmaster), tmp_path / "data"

    @asynccontextmanager
    async def run(**off: timedelta) -> AsyncIterator[Server]:
        if off:
            arming.set_clocks(**off)
        given = {**SETTINGS, **arming.environment, "CLOUDKEEP_DATABASE_URL": empty_database}
        with serving(root, None, **given) as process:
            async with http_client(process.url, timeout=60) as http:
                person = await register(Api(http), process.otp)
                stage = Stage(process, person.api, root, empty_database, "clocks")
                yield Server(stage, person, arming.set_clocks)

    return run


async def register(api: Api, otp: Callable[[], str]) -> Person:
    email = "ada@example.org"
    session = await api.join({"userId": "ada", "userName": "Ada", "email": email, "password": PASSWORD}, otp)
    api.http.headers["Authorization"] = f"Bearer {session['accessToken']}"
    return Person(api, session["refreshToken"])


async def begin_half(server: Server) -> Sent:
    """Send half of a file."""
    sent = Sent(padded_clip(8 * CHUNK), "half.mp4", compress=True, chunk_size=CHUNK)
    slots = (await begin(server.person.api, sent))["slots"]["nodes"]
    await fill(server.person.api, sent, slots[: len(slots) // 2])
    return sent


async def finish(server: Server, sent: Sent) -> None:
    """Send the other half. Every job has run once, and nothing is left."""
    api = server.person.api
    await assert_whole(api, await to_the_end(api, sent), sent.content, sent.compress)
    await nothing_is_left(server.stage)
    async with server.stage.database():
        assert await Job.exclude(state=JobState.DONE).count() == 0
        assert await Job.filter(attempts__gt=1).count() == 0


@BOTH_WAYS
async def test_a_host_whose_clock_is_wrong_by_days_works_and_expires_nothing(
    start: Callable[..., AbstractAsyncContextManager[Server]], off: timedelta
) -> None:
    async with start(host=off) as server:
        sent = await begin_half(server)
        await server.expires("over")
        await server.person.refresh()
        await finish(server, sent)
        await server.logs("this host's clock differs by", 2)


@LONG
@BOTH_WAYS
async def test_a_clock_that_jumps_by_days_and_back_changes_nothing(
    start: Callable[..., AbstractAsyncContextManager[Server]], off: timedelta
) -> None:
    """The clock of a host that is also the database's."""
    async with start() as server:
        sent, stage = await begin_half(server), server.stage
        video = Sent(padded_clip(), "video.mp4", compress=True)
        slots = (await begin(server.person.api, video))["slots"]["nodes"]
        await fill(server.person.api, video, slots)
        server.clocks(host=off, database=off)
        await server.logs("the database's clock jumped", 2)
        await server.person.refresh()
        await server.expires("over during the jump")
        await assert_whole(server.person.api, await to_the_end(server.person.api, video), video.content, True)
        for process in [stage.process.child(role) for role in ("api", "worker")]:
            process.kill()
        await server.logs("the database's clock jumped", 4)
        await server.expires("over after a new start of the processes")
        server.clocks(host=timedelta(0))
        await server.logs("the database's clock is followed again", 2)
        await server.person.refresh()
        await server.expires("over after the jump")
        await finish(server, sent)
