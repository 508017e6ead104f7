"""What the commands of ``cloudkeep`` do. Each loads what it needs when it runs: a quick start depends on it."""

import asyncio
import signal
from collections.abc import Coroutine

from cloudkeep.settings.preflight import raise_descriptor_limit
from cloudkeep.settings.settings import Settings
from cloudkeep.supervisor.bootstrap import (
    migrate_or_exit,
    read_settings,
    refusal,
    require_store,
    run_worker,
    until_signalled,
)

INTERRUPTED = 128 + signal.SIGINT


def serve() -> int:
    """Run the whole server."""
    raise_descriptor_limit()
    settings = read_settings()
    require_store(settings)
    from cloudkeep.supervisor.supervisor import supervise

    return asyncio.run(supervise(settings))


def worker() -> int:
    """Run a worker until a signal."""
    return run_worker()


def migrate() -> int:
    """Bring the database up to date."""
    asyncio.run(migrate_or_exit(read_settings()))
    return 0


def health(*, worker: bool) -> int:
    """Check the API of this host, or the workers of its data folder."""
    settings = read_settings()
    from cloudkeep.cli.healthcheck import api_health, worker_health

    return asyncio.run(worker_health(settings) if worker else api_health(settings))


def doctor(*, mend: bool) -> int:
    """Compare the database with the store."""
    settings = _settings_of_existing_server()
    from cloudkeep.cli.maintenance import examine

    return _interruptible(examine(settings, mend=mend))


def scrub(*, rate: float, from_start: bool) -> int:
    """Verify every stored blob."""
    settings = _settings_of_existing_server()
    from cloudkeep.cli.maintenance import scrub

    return _interruptible(scrub(settings, rate=rate, from_start=from_start))


def grant(
    user_id: str | None, points: str | None, ingest: str | None, subscriptions: str | None, *, remove: bool
) -> int:
    """Give an account a budget of its own, or list those that have one."""
    from cloudkeep.cli.grant import GrantRefused, grant, parse_changes

    try:
        changes = parse_changes(user_id, points, ingest, subscriptions, remove=remove)
        return _interruptible(grant(_settings_of_existing_server(), changes))
    except GrantRefused as error:
        raise refusal(error) from None


def _settings_of_existing_server() -> Settings:
    """The settings of a server that has run before."""
    settings = read_settings()
    asyncio.run(migrate_or_exit(settings, must_exist=True))
    return settings


def _interruptible(work: Coroutine[None, None, int]) -> int:
    """The exit code of ``work``. Ctrl-C and SIGTERM end it cleanly, and what is unavailable ends it with one line."""
    from storage.errors import DatabaseUnavailable, StoreUnavailable

    try:
        code = asyncio.run(until_signalled(work))
    except (DatabaseUnavailable, StoreUnavailable) as error:
        raise refusal(error) from None
    return INTERRUPTED if code is None else code
