"""The commands of ``cloudkeep``. Each imports what it needs when it runs, so that all of them start quickly."""

import asyncio
import signal
import sys
from collections.abc import Coroutine
from pathlib import Path
from urllib.parse import urlsplit

from cloudkeep.settings.preflight import StartupError, raise_descriptor_limit
from cloudkeep.settings.settings import Settings
from cloudkeep.settings.units import SizeBetween
from cloudkeep.supervisor.bootstrap import (
    migrate_or_exit,
    read_settings,
    refusal,
    require_mail_templates,
    require_store,
    run_worker,
    until_signalled,
)

INTERRUPTED = 128 + signal.SIGINT
RATE = SizeBetween(64 * 2**10, 2**40, "a size per second", default_unit="MiB")


def serve() -> int:
    """Run the whole server."""
    raise_descriptor_limit()
    settings = read_settings()
    require_store(settings)
    require_mail_templates(settings)
    from cloudkeep.supervisor.supervisor import supervise

    return asyncio.run(supervise(settings))


def worker() -> int:
    """Run a worker until a signal."""
    return run_worker()


def migrate() -> int:
    """Create or update the tables of the database."""
    settings = read_settings(create=False)
    asyncio.run(migrate_or_exit(settings))
    _print_place(settings)
    sys.stdout.write("The database is up to date.\n")
    return 0


def health(*, worker: bool) -> int:
    """Check the API of this data folder, or its workers."""
    settings = read_settings(create=False)
    from cloudkeep.cli.healthcheck import api_health, worker_health

    return asyncio.run(worker_health(settings) if worker else api_health(settings))


def doctor(*, mend: bool) -> int:
    """Compare the database with the store."""
    settings = settings_of_existing_server()
    from cloudkeep.cli.maintenance import examine

    return interruptible(examine(settings, mend=mend))


def scrub(*, rate: str, from_start: bool) -> int:
    """Verify every stored blob."""
    bytes_per_second = _rate(rate)
    settings = settings_of_existing_server()
    from cloudkeep.cli.maintenance import scrub

    return interruptible(scrub(settings, rate=bytes_per_second, from_start=from_start))


def backup(folder: Path, *, blobs: bool, prune: bool) -> int:
    """Back up into a folder."""
    settings = read_settings(create=False)
    _print_place(settings)
    from cloudkeep.cli.backup import backup

    return _reporting(backup(settings, folder.absolute(), with_blobs=blobs, with_prune=prune))


def check_backup(folder: Path | None, *, mend: bool, verify: bool) -> int:
    """Check a backup, without any settings."""
    if folder is None:
        raise refusal("--verify needs --backup; `cloudkeep scrub` reads every stored file")
    if mend:
        raise refusal("--fix cannot be combined with --backup: a backup is not repaired, but made again")
    from cloudkeep.cli.backup import check

    return _reporting(check(folder.absolute(), every_byte=verify))


def is_backup(path: str) -> bool:
    """Whether a path names a backup on this machine, or a folder of backups."""
    from services.maintenance.backup.layout import is_backup

    try:
        return is_backup(Path(path))
    except (OSError, ValueError):
        return False


def restore(folder: Path, *, force: bool, verify: bool) -> int:
    """Restore a backup."""
    settings = read_settings(create=False, with_folders=False)
    _print_place(settings)
    from cloudkeep.cli.restore import Restore

    return _reporting(Restore(settings, folder.absolute(), force, verify).run())


def grant(user_id: str | None, *, remove: bool, **options: str | None) -> int:
    """Give an account limits of its own, or list those that have some. ``options`` are texts by the kind of limit."""
    from cloudkeep.cli.account_lookup import CommandRefused
    from cloudkeep.cli.grant import grant, parse_changes
    from storage.budgets.models import GrantKind

    try:
        texts = {GrantKind(name): text for name, text in options.items()}
        changes = parse_changes(user_id, texts, remove=remove)
        return interruptible(grant(settings_of_existing_server(), changes))
    except CommandRefused as error:
        raise refusal(error) from None


def _rate(text: str) -> int:
    """The bytes per second of ``--rate``. Ends the process if it is none."""
    try:
        return RATE(text)
    except ValueError as error:
        raise refusal(f"--rate {error}") from None


def settings_of_existing_server() -> Settings:
    """The settings of a server that has run before. Prints which one it is."""
    settings = read_settings(create=False)
    asyncio.run(migrate_or_exit(settings, must_exist=True))
    _print_place(settings)
    return settings


def _print_place(settings: Settings) -> None:
    """Print the data folder and the database on standard error, without a password."""
    sys.stderr.write(f"Data folder: {settings.data_dir}\nDatabase: {_without_password(settings.database_url)}\n")


def _without_password(url: str) -> str:
    if url.startswith("sqlite:"):
        return url
    parts = urlsplit(url)
    user, at, host = parts.netloc.rpartition("@")
    return f"{parts.scheme}://{user.partition(':')[0]}{at}{host}{parts.path}"


def _reporting(work: Coroutine[None, None, int]) -> int:
    """Like :func:`interruptible`, for work that has more reasons to refuse."""
    from services.maintenance.backup.layout import BackupError
    from storage.errors import StorageError

    try:
        return interruptible(work)
    except (BackupError, StartupError, StorageError, OSError) as error:
        raise refusal(error) from None


def interruptible(work: Coroutine[None, None, int]) -> int:
    """Run ``work`` and return its exit code.

    Ctrl-C and SIGTERM cancel it. An unavailable database or store is reported in one line.
    """
    from storage.errors import DatabaseUnavailable, StoreUnavailable

    try:
        code = asyncio.run(until_signalled(work))
    except (DatabaseUnavailable, StoreUnavailable) as error:
        raise refusal(error) from None
    return INTERRUPTED if code is None else code
