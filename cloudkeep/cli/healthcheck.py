"""``cloudkeep health``: the health check of a container, which needs no other client installed."""

import asyncio
import sys

from cloudkeep.settings.parsers import reachable_host
from cloudkeep.settings.settings import Settings
from cloudkeep.supervisor.readiness import check_readiness
from cloudkeep.supervisor.worker_identity import FRESH_SECONDS, living_workers

HEALTHY, UNHEALTHY = 0, 1


async def api_health(settings: Settings) -> int:
    """Print a line about the API on this host, as it answers on /readyz; the exit code."""
    api = await check_readiness(reachable_host(settings.host), settings.port)
    return _print(HEALTHY if api.is_ready else UNHEALTHY, api.line or f"No answer on port {settings.port}.")


async def worker_health(settings: Settings) -> int:
    """Print a line about the workers of this data folder, by their latest signs of life; the exit code."""
    silence = await asyncio.to_thread(living_workers, settings.data_dir, settings.worker_name)
    silent = sorted(name for name, seconds in silence.items() if seconds > FRESH_SECONDS)
    if not silence:
        return _print(UNHEALTHY, "No worker runs here.")
    if silent:
        return _print(UNHEALTHY, f"Silent for more than {FRESH_SECONDS:g} s: {', '.join(silent)}.")
    return _print(HEALTHY, f"At work: {', '.join(sorted(silence))}.")


def _print(code: int, line: str) -> int:
    sys.stdout.write(f"{line}\n")
    return code
