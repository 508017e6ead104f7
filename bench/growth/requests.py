"""Requests to S3 for the upload and download of one file, and the connections that a server holds meanwhile."""

import asyncio
import contextlib
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import asyncpg
from redis import Redis

from bench.clients.payload import GIB, MIB, make_payload
from bench.clients.user import User
from bench.contenders.cloudkeep import CloudKeep
from bench.growth import rows
from bench.growth.figure import Figure
from bench.harness.command import report_progress
from bench.harness.server import free_port, running
from services.uploads.chunk_sizes import default_chunk_size
from tests.support.backends.postgres import PostgresServer
from tests.support.backends.s3 import ACCESS_KEY, SECRET_KEY, S3Server, s3_server
from tests.support.faults.s3_faults import S3Faults, s3_faults


def measure(postgres: PostgresServer, folder: Path, size_mib: int) -> list[Figure]:
    """Send a file of so many MiB to S3 and read it again."""
    report_progress("requests")
    asyncio.run(rows.create(postgres.url("postgres"), "requests"))
    (folder / "s3").mkdir()
    with s3_server(folder / "s3") as s3, _counted(s3) as counter:
        settings = {
            "CLOUDKEEP_DATABASE_URL": postgres.url("requests"),
            "CLOUDKEEP_BLOB_URL": s3.url(s3.new_bucket(), counter.url),
            "CLOUDKEEP_S3_ACCESS_KEY": ACCESS_KEY,
            "CLOUDKEEP_S3_SECRET_KEY": SECRET_KEY,
        }
        return _sent(settings, postgres, folder, size_mib * MIB, counter)


def _sent(
    settings: dict[str, str], postgres: PostgresServer, folder: Path, size: int, counter: S3Faults
) -> list[Figure]:
    data, chunk = folder / "data", default_chunk_size(size)
    data.mkdir()
    payload = make_payload(folder / "payload", size, chunk)
    server = CloudKeep(settings=settings)
    with running(server.launch(data, port := free_port()), data, port) as process:
        idle = _connections(postgres, data)
        user = User.sign_up(process)
        before, spent = Counter(counter.requests), process.cpu_seconds()
        upload = user.begin(size, chunk)
        with payload.path.open("rb") as file:
            for slot in upload.slots:
                user.http.put(slot.url, content=file.read(slot.size)).raise_for_status()
        url = user.wait_until_ready(upload.id)
        stored, seconds = counter.requests - before, _difference(process.cpu_seconds(), spent)
        busy = _connections(postgres, data)
        user.http.get(url).raise_for_status()
        read = counter.requests - before - stored
    stored_file = f"file of {size // MIB} MiB in chunks of {chunk // MIB} MiB, stored"
    return [
        *(
            Figure("GiB stored in S3", each * GIB / size, f"s of a processor, {role}", size)
            for role, each in seconds.items()
        ),
        *_figures(stored_file, "{} requests to S3", stored),
        *_figures("file downloaded", "{} requests to S3", read),
        *_figures("server with an API process and a worker, idle", "connections to {}", idle),
        *_figures("the same, one upload later", "connections to {}", busy),
    ]


def _difference(after: Mapping[str, float], before: Mapping[str, float]) -> dict[str, float]:
    return {role: seconds - before.get(role, 0.0) for role, seconds in sorted(after.items())}


def _figures(per: str, unit: str, counted: Mapping[str, int]) -> list[Figure]:
    return [Figure(per, number, unit.format(name), 1) for name, number in sorted(counted.items())]


def _connections(postgres: PostgresServer, data: Path) -> dict[str, int]:
    with Redis(unix_socket_path=str(data / "valkey" / "valkey.sock")) as redis:
        clients = len(redis.client_list()) - 1
    return {"PostgreSQL": asyncio.run(_sessions(postgres.url("requests"))), "Valkey": clients}


async def _sessions(url: str) -> int:
    connection = await asyncpg.connect(url)
    try:
        query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        return int(await connection.fetchval(query))
    finally:
        await connection.close()


@contextmanager
def _counted(s3: S3Server) -> Iterator[S3Faults]:
    """A proxy that counts requests, in a thread of its own, because the other threads wait for answers."""
    loop, ready, proxies = asyncio.new_event_loop(), threading.Event(), list[S3Faults]()

    async def serve() -> None:
        async with s3_faults(s3.endpoint) as proxy:
            proxies.append(proxy)
            ready.set()
            await asyncio.Event().wait()

    task = loop.create_task(serve())

    def work() -> None:
        with contextlib.suppress(asyncio.CancelledError):
            loop.run_until_complete(task)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    ready.wait()
    try:
        yield proxies[0]
    finally:
        loop.call_soon_threadsafe(task.cancel)
        thread.join()
        loop.close()
