"""A master, a replica and sentinels that watch them: real servers on ports of the loopback interface."""

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from storage.child_process import dies_with_parent
from storage.redis.valkey import find_server
from tests.support.process import free_port
from tests.support.waiting import eventually

SERVICE = "cloud.keep"
#: Characters that have to be percent-encoded, so that no test passes without that.
PASSWORD, QUOTED_PASSWORD = "nobody-should-see:p@ss/", "nobody-should-see%3Ap%40ss%2F"
SENTINEL_PASSWORD = "nobody-should-see-either"
#: Of sentinels that are in a hurry (SENTINEL DEBUG), in milliseconds. Most are in seconds otherwise; the last one, half
#: a minute, is how long they trust nothing after a pause.
QUICK = {"info-period": 50, "ping-period": 300, "ask-period": 50, "publish-period": 50, "tilt-period": 1_000}
#: After so much silence a master is down: never, on whatever machine, unless a test is in a hurry.
DOWN_AFTER_MS = 60_000
HURRIED_MS = 500
#: A failed failover is retried after twice this time.
FAILOVER_TIMEOUT_MS = 2_000


class Server:
    """A server process, which may be restarted on the same port after it was killed; ``client`` is connected to it."""

    def __init__(self, folder: Path, password: str, options: Sequence[str]) -> None:
        self.port = free_port()
        again = Retry(NoBackoff(), 1)  # a server closes its connections when it changes its role
        self.client: Any = Redis(
            port=self.port, password=password, decode_responses=True, driver_info=None, retry=again
        )
        self._folder = folder
        self._options = options
        self._process: asyncio.subprocess.Process | None = None
        folder.mkdir(parents=True)
        folder.joinpath("conf").write_text(f"port {self.port}\nbind 127.0.0.1\ndir {folder}\nrequirepass {password}\n")

    @property
    def pid(self) -> int | None:
        """The process that was started most recently."""
        return self._process.pid if self._process else None

    async def start(self, *lines: str) -> None:
        """Start the process, with lines for its configuration, and wait until it answers."""
        with self._folder.joinpath("conf").open("a") as conf, self._folder.joinpath("log").open("ab") as log:
            conf.writelines(f"{line}\n" for line in lines)
            conf.flush()
            self._process = await asyncio.create_subprocess_exec(
                *(find_server(), conf.name, *self._options),
                stdout=log,
                stderr=log,
                env={**os.environ, "LC_ALL": "C"},
                preexec_fn=dies_with_parent(),
            )
        await eventually(self._answers)

    async def kill(self) -> None:
        """Kill the process."""
        if self._process and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    async def close(self) -> None:
        """Kill it, and close its client."""
        await self.client.aclose()
        await self.kill()

    async def connections(self) -> list[str]:
        """The last command on each connection of CloudKeep to this server, without ``client``, which has no name."""
        return [each["cmd"] for each in await self.client.client_list() if each["lib-name"] == "redis-py"]

    async def role(self) -> str:
        """``master`` or ``slave``."""
        return str((await self.client.role())[0])

    async def _answers(self) -> bool:
        try:
            return bool(await self.client.ping())
        except RedisError:
            return False


class Group:
    """``servers`` are the first master and a replica. ``url`` is an operator's setting."""

    def __init__(self, servers: tuple[Server, Server], sentinels: Sequence[Server]) -> None:
        self.servers = servers
        self.sentinels = sentinels
        self.url = self.url_by(*(sentinel.port for sentinel in sentinels))

    @staticmethod
    def url_by(*ports: int, service: str = SERVICE, password: str = QUOTED_PASSWORD) -> str:
        """A setting with sentinels on these ports of this machine."""
        places = ",".join(f"127.0.0.1:{port}" for port in ports)
        return f"redis+sentinel://:{password}@{places}/{service}/1?sentinel_password={SENTINEL_PASSWORD}"

    async def lose_master(self) -> None:
        """Kill the master, and have the sentinels notice soon."""
        await self.servers[0].kill()
        await self.hurry()

    async def hurry(self) -> None:
        """Make the sentinels soon treat a silent master as down."""
        for sentinel in self.sentinels:
            await _set(sentinel, "down-after-milliseconds", HURRIED_MS)

    async def replicated(self) -> None:
        """Wait until the replica has all data of the master."""
        master, replica = self.servers

        async def has_all() -> bool:
            return bool((await replica.client.role())[4] >= (await master.client.role())[1])

        await eventually(has_all)

    async def swap_roles(self) -> None:
        """Swap the roles of the servers by hand, which only closes connections with blocking calls."""
        old, new = self.servers
        await self.replicated()
        await new.client.execute_command("REPLICAOF", "NO", "ONE")
        await old.client.execute_command("REPLICAOF", "127.0.0.1", new.port)
        await self.watch_another(new.port)

    async def watch_another(self, port: int) -> None:
        """Make the sentinels treat the server on this port as the master."""
        for sentinel in self.sentinels:
            await sentinel.client.execute_command("SENTINEL", "REMOVE", SERVICE)
            await watch(sentinel, port)


async def watch(sentinel: Server, port: int, quorum: int = 1) -> None:
    """Make a sentinel watch the service with the master on this port."""
    await sentinel.client.execute_command("SENTINEL", "DEBUG", *(word for pair in QUICK.items() for word in pair))
    await sentinel.client.execute_command("SENTINEL", "MONITOR", SERVICE, "127.0.0.1", port, quorum)
    await _set(sentinel, "auth-pass", PASSWORD)
    await _set(sentinel, "down-after-milliseconds", DOWN_AFTER_MS)
    await _set(sentinel, "failover-timeout", FAILOVER_TIMEOUT_MS)


async def _set(sentinel: Server, option: str, value: str | int) -> None:
    await sentinel.client.execute_command("SENTINEL", "SET", SERVICE, option, value)


@asynccontextmanager
async def sentinel_group(folder: Path, count: int = 1) -> AsyncIterator[Group]:
    """A master with a synchronised replica, and ``count`` sentinels that know it and each other."""
    login: Any = (f"masterauth {PASSWORD}", "repl-diskless-sync-delay 0", "save ''")
    async with AsyncExitStack() as stack:

        def server(name: str, password: str, *options: str) -> Server:
            made = Server(folder / name, password, options)
            stack.push_async_callback(made.close)
            return made

        master, replica = server("one", PASSWORD), server("other", PASSWORD)
        sentinels = [server(f"sentinel{number}", SENTINEL_PASSWORD, "--sentinel") for number in range(count)]
        await asyncio.gather(
            master.start(*login),
            replica.start(*login, f"replicaof 127.0.0.1 {master.port}"),
            *(sentinel.start() for sentinel in sentinels),
        )
        await eventually(lambda: _has_caught_up(replica))
        for sentinel in sentinels:
            await watch(sentinel, master.port, count // 2 + 1)
        await eventually(lambda: _know_each_other(sentinels))
        yield Group((master, replica), sentinels)


async def _has_caught_up(replica: Server) -> bool:
    return bool((await replica.client.role())[3] == "connected")


async def _know_each_other(sentinels: Sequence[Server]) -> bool:
    known = [await each.client.execute_command("SENTINEL", "MASTER", SERVICE) for each in sentinels]
    wanted = ("master", "1", str(len(sentinels) - 1))
    return all((state["flags"], state["num-slaves"], state["num-other-sentinels"]) == wanted for state in known)
