"""Kills parts of a running server, or of a whole cluster, at random moments."""

import asyncio
import contextlib
import random
import re
import signal
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial

import httpx
import psutil

from tests.support.process import ServeProcess
from tests.support.server import http_client
from tests.support.waiting import eventually, nothing_is_away

#: Children of the supervisor by a word of their command line.
PROCESSES = {"api": "api", "worker": "worker", "valkey": "valkey-server"}
#: Connections to the database, by the process that holds them: cut by a signal that the tests have put there.
CONNECTIONS = {"database of the api": "api", "database of the worker": "worker"}
#: Backends of PostgreSQL: when one of them is killed, it ends all others and recovers.
BACKEND = "postgres: cloudkeep"
#: Seconds between two kills: short ones are as likely as long ones.
SHORTEST_PAUSE, LONGEST_PAUSE = 0.01, 3.0
#: The share of kills while the server is ready, so that there is progress to lose; the others hit a restart.
CALM = 0.7


#: Kills one victim; returns whether it was running.
Kill = Callable[[], bool]


class Killer:
    """Kills one victim after another, up to a limit. ``kills`` counts by victim."""

    def __init__(self, url: str, victims: Mapping[str, Kill], seed: int, budget: int) -> None:
        """``url`` is that of the health check."""
        self._url = url
        self._victims = victims
        self._random = random.Random(seed)
        self.left = budget
        self.kills: Counter[str] = Counter()

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """Kill until the end of the block."""
        task = asyncio.create_task(self._go_on())
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _go_on(self) -> None:
        while self.left:
            if self._random.random() < CALM:
                await self._calm()
            await asyncio.sleep(SHORTEST_PAUSE * (LONGEST_PAUSE / SHORTEST_PAUSE) ** self._random.random())
            victim = self._random.choice(list(self._victims))
            if self._victims[victim]():
                self.kills[victim] += 1
                self.left -= 1

    async def _calm(self) -> None:
        """Wait until nothing of the server is away."""
        async with http_client(self._url) as http:
            await eventually(partial(_is_whole, http))


async def _is_whole(http: httpx.AsyncClient) -> bool:
    try:
        return nothing_is_away(await http.get("/readyz"))
    except httpx.TransportError:
        return False


def parts_of(process: ServeProcess, postmaster: int | None) -> dict[str, Kill]:
    """The victims of a server that runs with the environment of :class:`tests.faults.arming.Arming`."""
    processes = {name: partial(_signal, process.pid, word, signal.SIGKILL) for name, word in PROCESSES.items()}
    connections = {name: partial(_signal, process.pid, word, signal.SIGUSR1) for name, word in CONNECTIONS.items()}
    postgres = {"postgres": partial(_signal, postmaster, BACKEND, signal.SIGKILL)} if postmaster else {}
    return {**processes, **connections, **postgres}


def _signal(parent: int, word: str, number: signal.Signals) -> bool:
    for child in psutil.Process(parent).children():
        with contextlib.suppress(psutil.NoSuchProcess):
            if any(re.search(rf"(^|/){word}( |$)", argument) for argument in child.cmdline()):
                child.send_signal(number)
                return True
    return False
