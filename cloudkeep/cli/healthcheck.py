"""``cloudkeep health``: what a container's health check asks, without a client to be installed for it."""

import asyncio
import sys

from cloudkeep.settings.parsers import reachable_host
from cloudkeep.settings.settings import Settings
from cloudkeep.supervisor.readiness import check_readiness
from cloudkeep.supervisor.worker_identity import FRESH_SECONDS, living_workers

WELL, ILL = 0, 1


async def api_health(settings: Settings) -> int:
    """Ask /readyz of the API on this host, and say on a line what came of it. The exit code."""
    readiness = await check_readiness(reachable_host(settings.host), settings.port)
    return _say(WELL if readiness.is_ready else ILL, readiness.line or f"No answer on port {settings.port}.")


async def worker_health(settings: Settings) -> int:
    """Look whether the workers of this data folder show signs of life, and say so on a line. The exit code."""
    seconds = await asyncio.to_thread(living_workers, settings.data_dir, settings.worker_name)
    still = sorted(name for name, silent in seconds.items() if silent > FRESH_SECONDS)
    if not seconds:
        return _say(ILL, "No worker runs here.")
    if still:
        return _say(ILL, f"Silent for more than {FRESH_SECONDS:g} s: {', '.join(still)}.")
    return _say(WELL, f"At work: {', '.join(sorted(seconds))}.")


def _say(code: int, line: str) -> int:
    sys.stdout.write(f"{line}\n")
    return code
