"""How every process of CloudKeep starts: settings, logging and migrations, and then its own work.

Heavy modules are loaded only when they are needed: a quick start depends on it.
"""

import asyncio
import gc
import os
import signal
import socket
import sys
from collections.abc import Coroutine
from typing import TypeVar

from cloudkeep.settings.file_modes import create_private_files, make_private
from cloudkeep.settings.preflight import (
    REFUSED,
    StartupError,
    mail_folders,
    prepare_folders,
    raise_descriptor_limit,
    require_folders,
)
from cloudkeep.settings.settings import PREFIX, Settings, SettingsError, load_settings
from cloudkeep.settings.types import LogFormat
from cloudkeep.telemetry.logs import set_up_logging
from storage.redaction import without_credentials

T = TypeVar("T")


def run_api(listener: int, heartbeat: int) -> int:
    """Serve HTTP on an inherited listening socket, and send heartbeats over an inherited pipe. The exit code."""
    signal.signal(signal.SIGTERM, _exit)
    settings = read_settings(needs_redis=True)
    from cloudkeep.supervisor.api_process import http_server

    try:
        server = http_server(settings, heartbeat)
    except StartupError as error:
        raise refusal(error) from None
    _freeze_loaded_code()
    asyncio.run(_migrate_at_start(settings, heartbeat))
    server.run(sockets=[socket.socket(fileno=listener)])
    return 0 if server.started else 1


def run_worker(heartbeat: int | None = None) -> int:
    """Work until a signal. A worker of the supervisor's sends heartbeats over an inherited pipe. The exit code."""
    signal.signal(signal.SIGTERM, _exit)
    raise_descriptor_limit()
    settings = read_settings(needs_redis=True)
    if heartbeat is None:
        require_store(settings)
    import uvloop

    from cloudkeep.supervisor import worker_process

    _freeze_loaded_code()
    asyncio.run(_migrate_at_start(settings, heartbeat))
    try:
        uvloop.run(until_signalled(worker_process.run_worker(settings, heartbeat)))
    except StartupError as error:
        raise refusal(error) from None
    return 0


def read_settings(*, needs_redis: bool = False, create: bool = True, with_folders: bool = True) -> Settings:
    """Read the settings and set up logging. Ends the process if a setting cannot be used.

    With ``create``, make the data folder and the others of the settings, and take from other users what they can read
    in them; without it, a missing folder is an error, unless the caller needs no folders yet.
    """
    create_private_files()
    # Warnings about the settings should already have the format that the settings choose.
    set_up_logging(os.environ.get(f"{PREFIX}LOG_FORMAT", LogFormat.CONSOLE).strip().lower())
    try:
        settings = load_settings(create=create)
        if with_folders:
            (prepare_folders if create else require_folders)(settings)
    except (SettingsError, StartupError) as error:
        raise refusal(error) from None
    set_up_logging(settings.log_format, settings.log_level)
    if create:
        make_private(settings)
    if needs_redis and not settings.redis_url:
        raise refusal(f"{PREFIX}REDIS_URL: must be set; only cloudkeep serve starts a Valkey of its own")
    return settings


def require_store(settings: Settings) -> None:
    """End the process if the bucket cannot be used: a worker would only claim jobs and give them back."""
    if settings.blob_url.startswith("s3:"):
        asyncio.run(require_bucket(settings))


def require_mail_templates(settings: Settings) -> None:
    """End the process if a template of the operator's cannot be used, before its children would all say so."""
    if not mail_folders(settings).has_files():
        return
    from cloudkeep.resources.mail import load_mail_templates

    try:
        load_mail_templates(settings)
    except StartupError as error:
        raise refusal(error) from None


async def require_bucket(settings: Settings) -> None:
    """End the process if the bucket cannot be used. A server that already runs waits for it instead."""
    from cloudkeep.resources.resources import open_store
    from storage.errors import StoreRefused, StoreUnavailable

    store = await open_store(settings)
    try:
        await store.check()
    except StoreRefused as error:
        raise refusal(f"{PREFIX}S3_ACCESS_KEY, {PREFIX}S3_SECRET_KEY: {error}") from None
    except StoreUnavailable as error:
        raise refusal(f"{PREFIX}BLOB_URL: {error}") from None
    finally:
        await store.close()


async def migrate_or_exit(settings: Settings, *, must_exist: bool = False) -> None:
    """Bring the database up to date, or end the process. With ``must_exist``, an empty database ends it, too."""
    from cloudkeep.resources.migration import MigrationFailed, migrate_database, migrate_old_database

    try:
        await (migrate_old_database if must_exist else migrate_database)(settings)
    except MigrationFailed as error:
        raise refusal(error) from None


async def _migrate_at_start(settings: Settings, heartbeat: int | None) -> None:
    """Migrate, and tell the supervisor meanwhile that this process is starting."""
    from cloudkeep.supervisor.process import sending_start_beats

    async with sending_start_beats(heartbeat):
        await migrate_or_exit(settings)


def refusal(reason: object) -> SystemExit:
    """Write one line without secrets on standard error; raise the result to end the process."""
    sys.stderr.write(f"cloudkeep: {without_credentials(str(reason))}\n")
    return SystemExit(REFUSED)


async def until_signalled(work: Coroutine[None, None, T]) -> T | None:
    """Run to the end and return the result; None when SIGINT or SIGTERM has cancelled it."""
    task = asyncio.ensure_future(work)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, task.cancel)
    await asyncio.wait({task})
    return None if task.cancelled() else task.result()


def _freeze_loaded_code() -> None:
    """Exclude loaded code from garbage collection, which the entry point has switched off until now."""
    gc.freeze()
    gc.enable()


def _exit(number: int, frame: object) -> None:
    raise SystemExit(0)
