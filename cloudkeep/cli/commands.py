"""What the commands of ``cloudkeep`` do. Each loads what it needs when it runs: a quick start depends on it."""

import asyncio
import gc
import os
import signal
import socket
import sys
from collections.abc import Coroutine
from typing import TYPE_CHECKING, TypeVar

from cloudkeep.settings.preflight import BACKLOG, REFUSED, StartupError, prepare_folders, raise_descriptor_limit
from cloudkeep.settings.settings import PREFIX, Settings, SettingsError, load_settings
from cloudkeep.settings.types import LogFormat
from cloudkeep.telemetry.logs import set_up_logging

if TYPE_CHECKING:
    import uvicorn

T = TypeVar("T")

WS_MAX_SIZE = 2**20  # bytes of one WebSocket message; operations are small
KEEP_ALIVE_SECONDS = 30
INTERRUPTED = 128 + signal.SIGINT


def serve() -> int:
    """Serve, with everything that takes."""
    raise_descriptor_limit()
    settings = _settings()
    _require_store(settings)
    from cloudkeep.supervisor.supervisor import supervise

    return asyncio.run(supervise(settings))


def api(listener: int, heartbeat: int) -> int:
    """Serve HTTP on an inherited listening socket, and send signs of life over an inherited pipe."""
    signal.signal(signal.SIGTERM, _exit)
    settings = _settings(needs_redis=True)
    try:
        server = _http_server(settings, heartbeat)
    except StartupError as error:
        raise _refusal(error) from None
    _loaded()
    asyncio.run(_migrated(settings))
    server.run(sockets=[socket.socket(fileno=listener)])
    return 0 if server.started else 1


def worker(heartbeat: int | None = None) -> int:
    """Work until told to stop, and send signs of life over an inherited pipe, which the supervisor's workers have."""
    signal.signal(signal.SIGTERM, _exit)
    raise_descriptor_limit()
    settings = _settings(needs_redis=True)
    if heartbeat is None:
        _require_store(settings)
    import uvloop

    from cloudkeep.supervisor.worker_process import run_worker

    _loaded()
    asyncio.run(_migrated(settings))
    try:
        uvloop.run(_until_signalled(run_worker(settings, heartbeat)))
    except StartupError as error:
        raise _refusal(error) from None
    return 0


def migrate() -> int:
    """Bring the database up to date."""
    asyncio.run(_migrated(_settings()))
    return 0


def health(*, worker: bool) -> int:
    """Ask the API of this host, or look at its workers, how they are."""
    settings = _settings()
    from cloudkeep.cli.healthcheck import api_health, worker_health

    return asyncio.run(worker_health(settings) if worker else api_health(settings))


def doctor(*, mend: bool) -> int:
    """Compare the database with the store."""
    settings = _settings_of_old()
    from cloudkeep.cli.maintenance import examine

    return _interruptible(examine(settings, mend=mend))


def scrub(*, rate: float, from_start: bool) -> int:
    """Verify every stored blob."""
    settings = _settings_of_old()
    from cloudkeep.cli.maintenance import scrub

    return _interruptible(scrub(settings, rate=rate, from_start=from_start))


def grant(
    user_id: str | None, points: str | None, ingest: str | None, subscriptions: str | None, *, remove: bool
) -> int:
    """Give an account a budget of its own, or list those that have one."""
    from cloudkeep.cli.grant import GrantRefused, grant, parse_order

    try:
        order = parse_order(user_id, points, ingest, subscriptions, remove=remove)
        return _interruptible(grant(_settings_of_old(), order))
    except GrantRefused as error:
        raise _refusal(error) from None


def _settings_of_old() -> Settings:
    """The settings of a server that has run before."""
    settings = _settings()
    asyncio.run(_migrated(settings, old=True))
    return settings


def _interruptible(work: Coroutine[None, None, int]) -> int:
    """The exit code of ``work``; Ctrl-C and SIGTERM end it in good order and quietly, and so does what is away."""
    from storage.errors import DatabaseUnavailable, StoreUnavailable

    try:
        code = asyncio.run(_until_signalled(work))
    except (DatabaseUnavailable, StoreUnavailable) as error:
        raise _refusal(error) from None
    return INTERRUPTED if code is None else code


def _settings(*, needs_redis: bool = False) -> Settings:
    # What is found wrong with the settings should already look as they say.
    set_up_logging(os.environ.get(f"{PREFIX}LOG_FORMAT", LogFormat.CONSOLE).strip().lower())
    try:
        settings = load_settings()
        prepare_folders(settings)
    except (SettingsError, StartupError) as error:
        raise _refusal(error) from None
    set_up_logging(settings.log_format, settings.log_level)
    if needs_redis and not settings.redis_url:
        raise _refusal(f"{PREFIX}REDIS_URL: must be set; only cloudkeep serve starts a Valkey of its own")
    return settings


def _require_store(settings: Settings) -> None:
    """Refuse to start without the bucket, if there is one: a worker would take jobs that it can only give back."""
    if settings.blob_url.startswith("s3:"):
        asyncio.run(_require_bucket(settings))


async def _require_bucket(settings: Settings) -> None:
    """Refuse to start where the bucket cannot be used. A server that runs waits for it instead."""
    from cloudkeep.resources.resources import open_store
    from storage.errors import StoreRefused, StoreUnavailable

    store = await open_store(settings)
    try:
        await store.check()
    except StoreRefused as error:
        raise _refusal(f"{PREFIX}S3_ACCESS_KEY, {PREFIX}S3_SECRET_KEY: {error}") from None
    except StoreUnavailable as error:
        raise _refusal(f"{PREFIX}BLOB_URL: {error}") from None
    finally:
        await store.close()


async def _migrated(settings: Settings, *, old: bool = False) -> None:
    from cloudkeep.resources.migration import MigrationFailed, migrate_database, migrate_old_database

    try:
        await (migrate_old_database if old else migrate_database)(settings)
    except MigrationFailed as error:
        raise _refusal(error) from None


def _refusal(reason: object) -> SystemExit:
    """One line on standard error, and the end of the process."""
    sys.stderr.write(f"cloudkeep: {reason}\n")
    return SystemExit(REFUSED)


def _http_server(settings: Settings, heartbeat: int) -> "uvicorn.Server":
    import uvicorn

    from cloudkeep.http.app import create_app
    from cloudkeep.server.body_offload import offloading_protocol
    from cloudkeep.server.bounded_websocket import BoundedWebSocket
    from cloudkeep.server.graceful import GracefulServer
    from cloudkeep.server.shutdown import Drain

    drain = Drain()

    config = uvicorn.Config(
        create_app(settings, drain),
        loop="uvloop",
        http=offloading_protocol(settings.body_threads),
        ws=BoundedWebSocket,
        ws_max_size=WS_MAX_SIZE,
        ws_per_message_deflate=False,
        lifespan="on",
        access_log=False,
        log_config=None,  # records go the way of all the others
        log_level="warning",
        proxy_headers=False,  # cloudkeep.forwarded knows more of them
        server_header=False,
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
    )
    return GracefulServer(config, drain, settings.drain_seconds, heartbeat)


async def _until_signalled(work: Coroutine[None, None, T]) -> T | None:
    """Run to the end and return the result, or until SIGINT or SIGTERM cancels."""
    task = asyncio.ensure_future(work)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, task.cancel)
    await asyncio.wait({task})
    return None if task.cancelled() else task.result()


def _loaded() -> None:
    """The code is there for good: have the garbage collector pass it over from now on."""
    gc.freeze()
    gc.enable()


def _exit(number: int, frame: object) -> None:
    raise SystemExit(0)
