"""A whole CloudKeep on one machine: API processes, workers, PostgreSQL, Valkey, S3, and a balancer in front of them."""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import httpx

from storage.redis.valkey import EmbeddedValkey, ValkeyFailed
from tests.scale.balancer import balancing
from tests.scale.machines import RESTART_SECONDS, Machine
from tests.support.backends.s3 import ACCESS_KEY, SECRET_KEY
from tests.support.backends.smtp_sink import SmtpSink, smtp_sink
from tests.support.faults.kills import Kill
from tests.support.process import free_port
from tests.support.server import http_client, listening_socket
from tests.support.shared_server import PLENTY
from tests.support.waiting import eventually, nothing_is_away

HOSTS = WORKERS = 3
START_SECONDS = 60.0


class Valkey:
    """A Valkey that is restarted whenever it ends."""

    def __init__(self, server: EmbeddedValkey) -> None:
        self._server = server
        self._keeper: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Keep it running."""
        self._keeper = asyncio.create_task(self._keep_running())

    def kill(self) -> bool:
        """End it as a crash does: at most the last second's writes are lost."""
        self._server.kill()
        return True

    async def stop(self) -> None:
        """End it for good."""
        if self._keeper:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
        await self._server.stop()

    async def _keep_running(self) -> None:
        while True:
            # It may be killed while it starts, too.
            with contextlib.suppress(ValkeyFailed):
                await self._server.start()
                await self._server.wait()
            await asyncio.sleep(RESTART_SECONDS)


@dataclass(frozen=True)
class Cluster:
    """``url`` is the balancer's. The processes in ``mortals`` may be killed at any moment."""

    url: str
    machines: list[Machine]
    mortals: dict[str, Kill]
    sink: SmtpSink

    def output(self) -> str:
        """The last output of the processes."""
        return "\n".join(f"--- {each.name}\n{each.output()}" for each in self.machines)


@asynccontextmanager
async def running(folder: Path, database_url: str, bucket_url: str) -> AsyncIterator[Cluster]:
    """A cluster over this database and this bucket, ready; it has ended when the block has."""
    async with AsyncExitStack() as stack:
        valkey = EmbeddedValkey(folder)
        await valkey.start()
        kept = Valkey(valkey)
        kept.start()
        stack.push_async_callback(kept.stop)
        sink = await stack.enter_async_context(smtp_sink())
        listener = listening_socket()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        environment = _settings(database_url, bucket_url, valkey.url, sink.port, url)
        ports = [free_port() for _ in range(HOSTS)]
        await stack.enter_async_context(balancing(ports, listener))
        machines = [
            *(
                Machine(f"api-{number}", folder, "serve", **environment, CLOUDKEEP_PORT=str(port))
                for number, port in enumerate(ports, 1)
            ),
            *(Machine(f"worker-{number}", folder, "worker", **environment) for number in range(1, WORKERS + 1)),
        ]
        mortals = {"valkey": kept.kill, **{each.name: each.kill for each in machines}}
        cluster = Cluster(url, machines, mortals, sink)
        for machine in machines:
            machine.start()
            stack.push_async_callback(machine.stop)
        await _ready(ports, cluster)
        yield cluster


def _settings(database_url: str, bucket_url: str, redis_url: str, mail_port: int, url: str) -> dict[str, str]:
    plenty = {f"CLOUDKEEP_{name.upper()}": str(value) for name, value in PLENTY.items()}
    return {
        **plenty,
        "CLOUDKEEP_DATABASE_URL": database_url,
        "CLOUDKEEP_BLOB_URL": bucket_url,
        "CLOUDKEEP_S3_ACCESS_KEY": ACCESS_KEY,
        "CLOUDKEEP_S3_SECRET_KEY": SECRET_KEY,
        "CLOUDKEEP_DATABASE_POOL": "1/5",
        "CLOUDKEEP_REDIS_URL": redis_url,
        "CLOUDKEEP_MAIL_URL": f"smtp://127.0.0.1:{mail_port}?tls=none",
        "CLOUDKEEP_PUBLIC_URL": url,
        "CLOUDKEEP_SECRET_KEYS": f"test:{secrets.token_hex(32)}",
        "CLOUDKEEP_JOB_WORKERS": "0",
        # One job may be killed more often here than elsewhere in years; what is lost is taken up soon.
        "CLOUDKEEP_JOB_ATTEMPTS": "64",
        "CLOUDKEEP_JOB_LEASE": "10",
        "CLOUDKEEP_ACCESS_TOKEN_TTL": "86400",
    }


async def _ready(ports: list[int], cluster: Cluster) -> None:
    try:
        for port in ports:
            await eventually(partial(_answers, port), START_SECONDS)
    except TimeoutError:
        raise AssertionError(f"not ready after {START_SECONDS} s:\n{cluster.output()}") from None


async def _answers(port: int) -> bool:
    async with http_client(f"http://127.0.0.1:{port}") as http:
        try:
            return nothing_is_away(await http.get("/readyz"))
        except httpx.TransportError:
            return False
